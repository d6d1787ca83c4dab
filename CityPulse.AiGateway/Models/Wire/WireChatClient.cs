using System.Buffers;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models.Wire;

/// <summary>
/// A model behind OpenAI's chat completions, by the bytes of that protocol (docs/adr/0023). Whatever is no such answer is a
/// <see cref="JsonException"/>; what a provider refuses, and that it broke off, is told by <see cref="ProviderConnections"/>.
/// </summary>
internal sealed class WireChatClient(HttpMessageInvoker http, string provider, string baseUrl, string? apiKey, string model) : IChatClient
{
    private const int LongestAnswer = 32 * 1024 * 1024;
    private const int UsualAnswer = 16 * 1024;

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly Uri _address = new($"{baseUrl.TrimEnd('/')}/chat/completions");
    private readonly AuthenticationHeaderValue? _key = string.IsNullOrWhiteSpace(apiKey) ? null : new AuthenticationHeaderValue("Bearer", apiKey);
    private readonly ChatClientMetadata _metadata = new(provider, new Uri(baseUrl), model);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var response = await SendAsync(messages, options, isStream: false, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(response.Content.Headers.ContentLength ?? UsualAnswer, 1, LongestAnswer) + 1);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var length = 0;
            while (await body.ReadAsync(buffer.AsMemory(length), cancellationToken) is var read and > 0)
            {
                length += read;
                if (length == buffer.Length)
                {
                    buffer = Larger(buffer);
                }
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
        using var response = await SendAsync(messages, options, isStream: true, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
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

    private async Task<HttpResponseMessage> SendAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, bool isStream, CancellationToken cancellationToken)
    {
        var content = new ReadOnlyMemoryContent(WireQuestion.Write(model, messages, options, isStream));
        content.Headers.ContentType = Json;
        using var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = content };
        request.Headers.Authorization = _key;
        return await http.SendAsync(request, cancellationToken);
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
