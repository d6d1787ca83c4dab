using System.Buffers;
using System.Text.Json;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Models;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Json;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>Sends an answer as OpenAI streams it: <c>data:</c> with a chunk each, and <c>[DONE]</c>. The first update is there already.</summary>
internal sealed partial class CompletionStream(
    IAsyncEnumerator<ChatResponseUpdate> updates, bool hasFirst, CompletionFrame frame, RoutedChatClient route, bool includeUsage) : IResult
{
    private static readonly byte[] Done = "data: [DONE]\n\n"u8.ToArray();

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        TurnStream.Open(httpContext);
        try
        {
            await using (updates)
            {
                await SendAsync(response, httpContext.RequestAborted);
            }
        }
        catch (Exception e) when (httpContext.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // The reader has gone; there is nobody to tell.
        }
        catch (Exception e) when (!httpContext.RequestAborted.IsCancellationRequested)
        {
            // The status has long been sent, so the error travels as the last chunk.
            var fault = ProviderFault.Of(e);
            var logger = httpContext.RequestServices.GetRequiredService<ILogger<CompletionStream>>();
            if (fault is null)
            {
                LogFault(logger, e);
            }
            else
            {
                LogProviderFault(logger, fault.Status, fault.Reason);
            }

            var error = OpenAiErrors.Of(fault?.Status ?? 500, fault?.Detail ?? "Something went wrong on our side.", param: null, fault?.Reason);
            await WriteAsync(response, new { error }, httpContext.RequestAborted);
        }
    }

    private async Task SendAsync(HttpResponse response, CancellationToken cancellationToken)
    {
        await WriteAsync(response, frame.Part(route, new ChunkDelta("assistant", "")), cancellationToken);
        var all = new List<ChatResponseUpdate>();
        var calls = new List<FunctionCallContent>();
        for (var isThere = hasFirst; isThere; isThere = await updates.MoveNextAsync())
        {
            all.Add(updates.Current);
            foreach (var content in updates.Current.Contents)
            {
                switch (content)
                {
                    case TextContent { Text.Length: > 0 } text:
                        await WriteAsync(response, frame.Part(route, new ChunkDelta(Content: text.Text)), cancellationToken);
                        break;
                    case FunctionCallContent call:
                        calls.Add(call);
                        break;
                    case FunctionResultContent result:
                        // Run here, so it is no concern of the client's.
                        calls.RemoveAll(c => c.CallId == result.CallId);
                        break;
                }
            }
        }

        for (var i = 0; i < calls.Count; i++)
        {
            await WriteAsync(response, frame.Part(route, new ChunkDelta(ToolCalls: [CompletionCall.Of(calls[i], i)])), cancellationToken);
        }

        var whole = all.ToChatResponse();
        await WriteAsync(response, frame.Last(route, whole, calls.Count > 0), cancellationToken);
        if (includeUsage)
        {
            await WriteAsync(response, frame.Usage(route, whole.Usage), cancellationToken);
        }

        await response.Body.WriteAsync(Done, cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }

    private static async Task WriteAsync<T>(HttpResponse response, T data, CancellationToken cancellationToken)
    {
        response.BodyWriter.Write("data: "u8);
        response.BodyWriter.Write(JsonSerializer.SerializeToUtf8Bytes(data, JsonDefaults.Options));
        response.BodyWriter.Write("\n\n"u8);
        await response.BodyWriter.FlushAsync(cancellationToken);
    }

    [LoggerMessage(LogLevel.Error, "A streamed completion failed.")]
    private static partial void LogFault(ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Warning, "The provider of a streamed completion failed with {Status}: {Reason}.")]
    private static partial void LogProviderFault(ILogger logger, int status, string reason);
}
