using Microsoft.AspNetCore.SignalR;

namespace CityPulse.Realtime.Feed.SignalR;

/// <summary>What the server calls on SignalR clients, under these very names.</summary>
public interface IFeedClient
{
    /// <summary>One event of a topic that the client follows.</summary>
    Task @event(object feedEvent);

    /// <summary>Why the server is about to close the connection.</summary>
    Task error(FeedError error);
}

/// <summary>Why the connection ends.</summary>
public sealed record FeedError(string Code, string Detail);

/// <summary>The calls of <c>docs/realtime.md</c>, for SignalR clients.</summary>
internal sealed class FeedHub(Subscriptions subscriptions) : Hub<IFeedClient>
{
    public async Task<Subscribed> Subscribe(IReadOnlyList<string?>? topics, string? since) =>
        Answer(await subscriptions.SubscribeAsync(FeedLifetime.ConnectionOf(Context), topics, since));

    /// <summary>The same with at most so many readings events a second; SignalR knows no optional arguments.</summary>
    public async Task<Subscribed> SubscribePaced(IReadOnlyList<string?>? topics, string? since, double? maxPerSecond) =>
        Answer(await subscriptions.SubscribeAsync(FeedLifetime.ConnectionOf(Context), topics, since, maxPerSecond));

    public async Task<Unsubscribed> Unsubscribe(IReadOnlyList<string?>? topics) =>
        Answer(await subscriptions.UnsubscribeAsync(FeedLifetime.ConnectionOf(Context), topics));

    /// <summary>The server's time.</summary>
    public string Ping() => subscriptions.ServerTime();

    private static T Answer<T>(Outcome<T> outcome)
        where T : class => outcome.Value ?? throw new HubException(outcome.Refusal);
}
