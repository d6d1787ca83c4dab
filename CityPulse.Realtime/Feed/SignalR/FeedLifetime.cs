using System.Globalization;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;

namespace CityPulse.Realtime.Feed.SignalR;

/// <summary>
/// Brings SignalR's connections to the feed. A lifetime manager, as that is where SignalR shows the connection itself,
/// to which messages can be written that were serialised once for all.
/// </summary>
internal sealed class FeedLifetime(
    Broadcaster broadcaster,
    IOptions<RealtimeOptions> options,
    FeedMetrics metrics,
    TimeProvider time,
    ILogger<DefaultHubLifetimeManager<FeedHub>> log) : DefaultHubLifetimeManager<FeedHub>(log)
{
    private static readonly object Key = new();
    private static readonly object ExpiryKey = new();

    /// <summary>The feed's side of a hub connection.</summary>
    public static FeedConnection ConnectionOf(HubCallerContext context) => (FeedConnection)context.Items[Key]!;

    public override async Task OnConnectedAsync(HubConnectionContext connection)
    {
        await base.OnConnectedAsync(connection);
        var request = connection.GetHttpContext() ?? throw new InvalidOperationException("The hub is reached over HTTP only.");
        var caller = request.User.GetCaller() with { Frontend = request.GetFrontend() };
        var feed = new FeedConnection(connection.ConnectionId, caller, AccessTokenOf(request), new HubSink(connection), options.Value, metrics);
        connection.Items[Key] = feed;
        connection.Items[ExpiryKey] = CloseOnExpiry(feed, request);
        broadcaster.Connect(feed);
    }

    public override async Task OnDisconnectedAsync(HubConnectionContext connection)
    {
        if (connection.Items.TryGetValue(Key, out var feed))
        {
            broadcaster.Disconnect((FeedConnection)feed!);
        }

        if (connection.Items.TryGetValue(ExpiryKey, out var expiry))
        {
            await ((ITimer)expiry!).DisposeAsync();
        }

        await base.OnDisconnectedAsync(connection);
    }

    private ITimer CloseOnExpiry(FeedConnection feed, HttpContext request)
    {
        var seconds = long.Parse(request.User.FindFirst("exp")!.Value, CultureInfo.InvariantCulture);
        var left = DateTimeOffset.FromUnixTimeSeconds(seconds) - time.GetUtcNow();
        return time.CreateTimer(_ => feed.CloseAsync(FeedClose.Expired), null, left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private static string AccessTokenOf(HttpContext request)
    {
        const string prefix = "Bearer ";
        var header = request.Request.Headers.Authorization.ToString();
        return header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
            ? header[prefix.Length..].Trim()
            : request.Request.Query["access_token"].ToString();
    }
}
