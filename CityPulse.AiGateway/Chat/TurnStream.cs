using CityPulse.AiGateway.Models;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Chat;

/// <summary>Sends a turn's events as server-sent events: <c>delta</c>, <c>tool</c>, and in the end <c>done</c> or <c>error</c>.</summary>
/// <param name="feed">The turn, when this replica runs it; else it is read from its copy.</param>
/// <param name="after">The last event that the reader has.</param>
internal sealed class TurnStream(Guid turn, TurnFeed? feed, int after) : IResult
{
    public const string ContentType = "text/event-stream";

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);
    private static readonly byte[] Heartbeat = ": the answer is on its way\n\n"u8.ToArray();

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var services = httpContext.RequestServices;
        var feeds = services.GetRequiredService<TurnFeeds>();
        try
        {
            Open(httpContext);
            await WriteAsync(httpContext, services.GetRequiredService<TurnCopies>(), services.GetRequiredService<TimeProvider>(), httpContext.RequestAborted);
        }
        catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
        {
            // The reader has gone, and may come back.
        }
        finally
        {
            if (feed is not null)
            {
                feeds.Leave(feed);
            }
        }
    }

    /// <summary>The head of an answer that comes bit by bit.</summary>
    public static void Open(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no"; // Proxies on the way are asked not to collect events.
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private async Task WriteAsync(HttpContext context, TurnCopies copies, TimeProvider time, CancellationToken cancellationToken)
    {
        var body = context.Response.Body;
        var beat = TimeSpan.FromSeconds(context.RequestServices.GetRequiredService<IOptions<AiOptions>>().Value.HeartbeatSeconds);
        await context.Response.StartAsync(cancellationToken);
        var (last, wrote) = (after, time.GetTimestamp());
        while (await NextAsync(context, copies, last, time, beat - time.GetElapsedTime(wrote), cancellationToken) is { } events)
        {
            foreach (var one in events)
            {
                await body.WriteAsync(one.ToBytes(turn), cancellationToken);
            }

            if (events.Count == 0 && time.GetElapsedTime(wrote) >= beat)
            {
                await body.WriteAsync(Heartbeat, cancellationToken);
            }
            else if (events.Count == 0)
            {
                continue;
            }

            await body.FlushAsync(cancellationToken);
            wrote = time.GetTimestamp();
            last += events.Count;
            if (events is [.., { IsLast: true }])
            {
                return;
            }
        }
    }

    /// <summary>The next events, none when a heartbeat is due first, null when there will be none.</summary>
    private async Task<IReadOnlyList<TurnEvent>?> NextAsync(
        HttpContext context, TurnCopies copies, int last, TimeProvider time, TimeSpan longest, CancellationToken cancellationToken)
    {
        if (feed is null)
        {
            var caller = context.User.GetCaller();
            await copies.StayAsync(turn);
            var copied = await copies.ReadAsync(turn, caller, last);
            if (copied is [])
            {
                await Task.Delay(BetweenLooks, time, cancellationToken);
            }

            return copied;
        }

        var (events, more) = feed.After(last);
        if (events.Count > 0)
        {
            return events;
        }

        if (more is null)
        {
            return null;
        }

        using var pause = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(more, Task.Delay(longest > TimeSpan.Zero ? longest : TimeSpan.Zero, time, pause.Token));
        await pause.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return feed.After(last).Events;
    }
}
