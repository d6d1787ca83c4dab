using CityPulse.Realtime.Feed.Domain;
using CityPulse.Realtime.Presence;
using Microsoft.Extensions.Options;

namespace CityPulse.Realtime.Feed;

/// <summary>The answer to Subscribe.</summary>
/// <param name="LastId">The newest id when live events began; a client that got none resumes from here.</param>
/// <param name="Gap">Events after <c>since</c> are gone: read over REST.</param>
public sealed record Subscribed(IReadOnlyList<string> Topics, string LastId, bool Gap);

/// <summary>The answer to Unsubscribe.</summary>
public sealed record Unsubscribed(IReadOnlyList<string> Topics);

/// <summary>An answer, or the sentence that says why there is none.</summary>
internal readonly record struct Outcome<T>(T? Value, string? Refusal)
    where T : class
{
    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static Outcome<T> Refused(string why) => new(null, why);
}

/// <summary>What clients can ask for, whatever their protocol.</summary>
internal sealed class Subscriptions(
    Broadcaster broadcaster,
    PresenceBoard presence,
    StreamHistory stream,
    TopicAccess access,
    IOptions<RealtimeOptions> options,
    FeedMetrics metrics,
    TimeProvider time,
    ILogger<Subscriptions> log)
{
    private const double LeastPerSecond = 0.1;
    private const double MostPerSecond = 1_000;
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(10);

    /// <param name="names">Topics as the client wrote them; one that is refused refuses the call.</param>
    /// <param name="since">The last id that the client has, to get everything after it first.</param>
    /// <param name="maxPerSecond">Most readings events a second and topic, for all topics of the connection; 0 for all, <c>null</c> for as before.</param>
    public async Task<Outcome<Subscribed>> SubscribeAsync(
        FeedConnection connection, IReadOnlyList<string?>? names, string? since, double? maxPerSecond = null)
    {
        var (topics, refusal) = Parse(names);
        if (refusal is not null)
        {
            return Outcome<Subscribed>.Refused(refusal);
        }

        var resume = EventId.None;
        if (since is not null && !EventId.TryParse(since, out resume))
        {
            return Outcome<Subscribed>.Refused($"'{Clip(since)}' is no event id.");
        }

        if (maxPerSecond is not (null or 0 or (>= LeastPerSecond and <= MostPerSecond)))
        {
            return Outcome<Subscribed>.Refused("maxPerSecond must be from 0.1 to 1000, or 0 for all events.");
        }

        await connection.Calls.WaitAsync(connection.Ended);
        try
        {
            refusal = await FirstRefusalAsync(connection, topics);
            if (refusal is not null)
            {
                return Outcome<Subscribed>.Refused(refusal);
            }

            connection.SetPace(maxPerSecond);
            return since is null
                ? Answer(topics, Follow(connection, topics), gap: false)
                : await ReplayAsync(connection, topics, resume);
        }
        finally
        {
            connection.Calls.Release();
        }
    }

    public async Task<Outcome<Unsubscribed>> UnsubscribeAsync(FeedConnection connection, IReadOnlyList<string?>? names)
    {
        var (topics, refusal) = Parse(names);
        if (refusal is not null)
        {
            return Outcome<Unsubscribed>.Refused(refusal);
        }

        await connection.Calls.WaitAsync(connection.Ended);
        try
        {
            broadcaster.Unfollow(connection, topics);
            return new Unsubscribed([.. topics.Select(topic => topic.ToString())]);
        }
        finally
        {
            connection.Calls.Release();
        }
    }

    public string ServerTime() => Rfc3339.Format(time.GetUtcNow());

    private (IReadOnlyCollection<Topic> Topics, string? Refusal) Parse(IReadOnlyList<string?>? names)
    {
        if (names is null or [])
        {
            return ([], "Name at least one topic.");
        }

        if (names.Count > options.Value.TopicsPerConnection)
        {
            return ([], $"One connection can follow {options.Value.TopicsPerConnection} topics; these are {names.Count}.");
        }

        var topics = new HashSet<Topic>();
        foreach (var name in names)
        {
            if (!Topic.TryParse(name, out var topic))
            {
                return ([], $"There is no topic '{Clip(name)}'.");
            }

            topics.Add(topic);
        }

        return (topics, null);
    }

    private async Task<string?> FirstRefusalAsync(FeedConnection connection, IReadOnlyCollection<Topic> topics)
    {
        var added = topics.Where(topic => !connection.Topics.ContainsKey(topic)).ToList();
        if (connection.Topics.Count + added.Count > options.Value.TopicsPerConnection)
        {
            return $"One connection can follow {options.Value.TopicsPerConnection} topics; these would be {connection.Topics.Count + added.Count}.";
        }

        if (await access.RefusalAsync(connection, added, connection.Ended) is { } refusal)
        {
            return refusal;
        }

        try
        {
            await broadcaster.Started.WaitAsync(StartTime, time, connection.Ended);
            return null;
        }
        catch (TimeoutException)
        {
            return "The live stream is starting. Try again.";
        }
    }

    private async Task<Outcome<Subscribed>> ReplayAsync(FeedConnection connection, IReadOnlyCollection<Topic> topics, EventId since)
    {
        using var limit = new CancellationTokenSource(options.Value.ReplayTime, time);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, connection.Ended);
        var replay = new Replay(broadcaster, stream, metrics, connection, topics, since);
        try
        {
            var newest = await replay.RunAsync(cancel.Token);
            metrics.Replayed(gap: newest is null);
            if (newest is { } live)
            {
                return Answer(topics, live, gap: false);
            }

            await replay.AbandonAsync();
            return Answer(topics, Follow(connection, topics), gap: true);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !connection.Ended.IsCancellationRequested)
        {
            _ = connection.CloseAsync(FeedClose.Overflow);
            return Outcome<Subscribed>.Refused(FeedClose.Overflow.Detail());
        }
        catch (Exception e) when (Upstream.IsAway(e, cancel.Token))
        {
            log.LogWarning(e, "The stream's history cannot be read for a replay");
            await replay.AbandonAsync();
            return Outcome<Subscribed>.Refused("Past events cannot be read at the moment. Try again.");
        }
    }

    private EventId Follow(FeedConnection connection, IReadOnlyCollection<Topic> topics)
    {
        var newest = broadcaster.Follow(connection, topics);
        // The answer tells the newest id: what came before it must not lie here any longer.
        connection.Flush();
        if (topics.Contains(new Topic(TopicKind.Presence)))
        {
            // The topic tells changes only; somebody new wants to know who is there already.
            presence.Asked(connection.Caller.OrganizationId);
        }

        return newest;
    }

    private static Subscribed Answer(IReadOnlyCollection<Topic> topics, EventId last, bool gap) =>
        new([.. topics.Select(topic => topic.ToString())], last.ToString(), gap);

    private static string Clip(string? text) => text is { Length: > 80 } ? text[..80] + "…" : text ?? "";
}
