using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using CityPulse.AiGateway.Models;
using CityPulse.ServiceDefaults.Json;
using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Chat;

/// <summary>
/// Runs streamed turns apart from the requests that began them, so that a reader whose connection broke can come back for the rest. A turn
/// that nobody comes back for is ended, and so is the provider's work on it.
/// </summary>
internal sealed partial class TurnFeeds(TurnCopies copies, IOptions<AiOptions> options, TimeProvider time, ILogger<TurnFeeds> logger)
{
    /// <summary>How long the events of a turn can be had again.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<Guid, TurnFeed> _feeds = new();

    /// <summary>Begins a turn; its first reader is counted in.</summary>
    /// <param name="path">Of the request, for problems.</param>
    public TurnFeed Start(Caller caller, string? path, Func<CancellationToken, IAsyncEnumerable<ChatEvent>> turn)
    {
        var feed = new TurnFeed(Guid.CreateVersion7(time.GetUtcNow()), caller.OrganizationId, caller.UserId);
        _feeds[feed.Id] = feed;
        feed.Enter();
        _ = RunAsync(feed, path, turn(feed.Work));
        return feed;
    }

    /// <summary>The caller's turn, when this replica has it; the reader is counted in.</summary>
    public TurnFeed? Find(Guid turn, Caller caller)
    {
        if (!_feeds.TryGetValue(turn, out var feed) || feed.OrganizationId != caller.OrganizationId || feed.UserId != caller.UserId)
        {
            return null;
        }

        feed.Enter();
        return feed;
    }

    /// <summary>A reader has gone. The last one may come back for a while.</summary>
    public void Leave(TurnFeed feed)
    {
        if (feed.Leave() && !feed.HasEnded)
        {
            _ = AwaitReaderAsync(feed);
        }
    }

    private async Task RunAsync(TurnFeed feed, string? path, IAsyncEnumerable<ChatEvent> turn)
    {
        try
        {
            await foreach (var happened in turn)
            {
                await AddAsync(feed, happened switch
                {
                    { Delta: { } text } => ("delta", Json(new ChatDelta(text))),
                    { Tool: { } tool } => ("tool", Json(tool)),
                    { Done: var answer } => ("done", Json(answer)),
                });
            }
        }
        catch (Exception e)
        {
            // The status has long been sent, so the problem travels as the last event.
            await AddAsync(feed, ("error", Json(feed.Work.IsCancellationRequested ? Abandoned(path) : Problem(path, e))));
        }

        await Task.Delay(Kept, time);
        _feeds.TryRemove(feed.Id, out _);
        feed.Dispose();
    }

    /// <summary>Copied before anyone is told: who has an event finds it at every replica.</summary>
    private async Task AddAsync(TurnFeed feed, (string Type, string Data) happened)
    {
        var next = feed.Next(happened.Type, happened.Data);
        await copies.AddAsync(feed, next);
        feed.Add(next);
    }

    private async Task AwaitReaderAsync(TurnFeed feed)
    {
        do
        {
            await Task.Delay(TimeSpan.FromSeconds(options.Value.ResumeSeconds), time);
        }
        while (!feed.HasReaders && !feed.HasEnded && await copies.HasReadersAsync(feed.Id));
        if (!feed.HasReaders && !feed.HasEnded)
        {
            await feed.AbandonAsync();
        }
    }

    private static string Json<T>(T data) => JsonSerializer.Serialize(data, JsonDefaults.Options);

    private object Abandoned(string? path) => Problem(path, new ProviderFault(503, "abandoned", "Nobody waited for the answer any more, so it was ended."), NewId());

    private object Problem(string? path, Exception exception)
    {
        var errorId = NewId();
        if (ProviderFault.Of(exception) is { } fault)
        {
            LogProviderFault(errorId, fault.Status, exception.GetType().Name);
            return Problem(path, fault, errorId);
        }

        LogFault(errorId, exception);
        return Problem(path, new ProviderFault(StatusCodes.Status500InternalServerError, "fault", "Something went wrong on our side."), errorId);
    }

    private static object Problem(string? path, ProviderFault fault, string errorId) => new
    {
        type = "about:blank",
        title = fault.Status == StatusCodes.Status500InternalServerError ? "Internal Server Error" : "The model did not answer.",
        status = fault.Status,
        detail = fault.Detail,
        instance = path,
        errorId,
        traceId = Activity.Current?.TraceId.ToString() ?? errorId,
        code = fault.Reason,
        retryAfterSeconds = fault.RetryAfterSeconds,
        resetsAt = fault.ResetsAt,
    };

    private string NewId() => Guid.CreateVersion7(time.GetUtcNow()).ToString("N");

    [LoggerMessage(LogLevel.Error, "A streamed answer failed, error {ErrorId}.")]
    private partial void LogFault(string errorId, Exception exception);

    // The provider's text may repeat what was sent, so only the exception's kind is logged.
    [LoggerMessage(LogLevel.Warning, "The provider of a streamed answer failed, error {ErrorId}, {Status}: {Fault}.")]
    private partial void LogProviderFault(string errorId, int status, string fault);
}
