using System.Buffers;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using CityPulse.AiGateway.Chat;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models.Wire;

/// <summary>
/// A model behind OpenAI's chat completions, by the bytes of that protocol (docs/adr/0023). Whatever is no such answer is a
/// <see cref="JsonException"/>; what a provider refuses is a <see cref="ProviderRefusedException"/>, and that it broke off a <see cref="ProviderCutException"/>.
/// </summary>
internal sealed class WireChatClient(HttpMessageInvoker http, TimeProvider time, string provider, string baseUrl, string? apiKey, string model) : IChatClient
{
    private const int LongestAnswer = 32 * 1024 * 1024;
    private const int UsualAnswer = 16 * 1024;

    private readonly Uri _address = new($"{baseUrl.TrimEnd('/')}/chat/completions");
    private readonly string? _key = string.IsNullOrWhiteSpace(apiKey) ? null : new AuthenticationHeaderValue("Bearer", apiKey).ToString();
    private readonly ChatClientMetadata _metadata = new(provider, new Uri(baseUrl), model);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var request = Request(messages, options, isStream: false);
        using var response = await http.SendAsync(request, cancellationToken);
        ProviderRefusedException.ThrowIfRefused(response, time);
        var announced = response.Content.Headers.ContentLength;
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(announced ?? UsualAnswer, 1, LongestAnswer) + 1);
        try
        {
            var length = 0;
            try
            {
                var body = await response.Content.ReadAsStreamAsync(cancellationToken);
                while (length != announced && await body.ReadAsync(buffer.AsMemory(length), cancellationToken) is var read and > 0)
                {
                    length += read;
                    if (length == buffer.Length)
                    {
                        buffer = Larger(buffer);
                    }
                }
            }
            catch (IOException e)
            {
                throw new ProviderCutException(e);
            }

            using var json = JsonDocument.Parse(buffer.AsMemory(0, length));
            return WireAnswer.Whole(json.RootElement);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var request = Request(messages, options, isStream: true);
        using var response = await http.SendAsync(request, cancellationToken);
        ProviderRefusedException.ThrowIfRefused(response, time);
        await using var body = new ProviderBody.Body(await response.Content.ReadAsStreamAsync(cancellationToken));
        var answer = new WireAnswer();
        var chunks = SseParser.Create(body, (_, data) => answer.Next(data));
        await foreach (var chunk in chunks.EnumerateAsync(cancellationToken))
        {
            if (answer.IsDone)
            {
                yield break;
            }

            if (chunk.Data is { } update)
            {
                yield return update;
            }
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null : serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
        // The connections are everybody's.
    }

    private HttpRequestMessage Request(IEnumerable<ChatMessage> messages, ChatOptions? options, bool isStream)
    {
        var content = new ByteArrayContent(WireQuestion.Write(model, messages, options, isStream));
        content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = content };
        if (_key is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", _key);
        }

        return request;
    }

    private static byte[] Larger(byte[] full)
    {
        if (full.Length >= LongestAnswer)
        {
            throw new JsonException("The answer is too long.");
        }

        var larger = ArrayPool<byte>.Shared.Rent(full.Length * 2);
        full.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(full);
        return larger;
    }
}
