using System.Buffers;
using System.Diagnostics;
using System.Net.ServerSentEvents;
using System.Text.Json;
using CityPulse.ServiceDefaults.Json;
using Microsoft.AspNetCore.Http.Features;

namespace CityPulse.AiGateway.Chat;

/// <summary>Sends a turn as server-sent events: <c>delta</c>, <c>tool</c>, and in the end <c>done</c> or <c>error</c>.</summary>
internal sealed partial class SseResult(IAsyncEnumerable<ChatEvent> events) : IResult
{
    public const string ContentType = "text/event-stream";

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no"; // Proxies on the way are asked not to collect events.
        httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();

        try
        {
            await SseFormatter.WriteAsync(Items(httpContext), response.Body, (item, writer) => writer.Write(item.Data), httpContext.RequestAborted);
        }
        catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
        {
            // The reader has gone; there is nobody to tell.
        }
    }

    private async IAsyncEnumerable<SseItem<byte[]>> Items(HttpContext context)
    {
        await using var turn = events.GetAsyncEnumerator(context.RequestAborted);
        while (true)
        {
            SseItem<byte[]> item;
            try
            {
                if (!await turn.MoveNextAsync())
                {
                    yield break;
                }

                item = turn.Current switch
                {
                    { Delta: { } text } => Item("delta", new ChatDelta(text)),
                    { Tool: { } tool } => Item("tool", tool),
                    { Done: var answer } => Item("done", answer),
                };
            }
            catch (Exception e) when (!context.RequestAborted.IsCancellationRequested)
            {
                // The status has long been sent, so the problem travels as the last event.
                item = Item("error", Problem(context, e));
            }

            yield return item;
            if (item.EventType == "error")
            {
                yield break;
            }
        }
    }

    private static object Problem(HttpContext context, Exception exception)
    {
        var fault = ProviderFault.Of(exception) ?? new ProviderFault(StatusCodes.Status500InternalServerError, "fault", "Something went wrong on our side.");
        var errorId = Guid.CreateVersion7(context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow()).ToString("N");
        var logger = context.RequestServices.GetRequiredService<ILogger<SseResult>>();
        if (fault.Status == StatusCodes.Status500InternalServerError)
        {
            LogFault(logger, errorId, exception);
        }
        else
        {
            LogProviderFault(logger, errorId, fault.Status, exception.GetType().Name);
        }

        return new
        {
            type = "about:blank",
            title = fault.Status == StatusCodes.Status500InternalServerError ? "Internal Server Error" : "The model did not answer.",
            status = fault.Status,
            detail = fault.Detail,
            instance = context.Request.Path.Value,
            errorId,
            traceId = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier,
            code = fault.Reason,
            retryAfterSeconds = fault.RetryAfterSeconds,
            resetsAt = fault.ResetsAt,
        };
    }

    private static SseItem<byte[]> Item<T>(string type, T data) => new(JsonSerializer.SerializeToUtf8Bytes(data, JsonDefaults.Options), type);

    [LoggerMessage(LogLevel.Error, "A streamed answer failed, error {ErrorId}.")]
    private static partial void LogFault(ILogger logger, string errorId, Exception exception);

    // The provider's text may repeat what was sent, so only the exception's kind is logged.
    [LoggerMessage(LogLevel.Warning, "The provider of a streamed answer failed, error {ErrorId}, {Status}: {Fault}.")]
    private static partial void LogProviderFault(ILogger logger, string errorId, int status, string fault);
}
