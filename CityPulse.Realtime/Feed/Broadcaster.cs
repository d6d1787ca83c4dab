using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Microsoft.Extensions.Options;

namespace CityPulse.Realtime.Feed;

/// <summary>What a replay has to bring: for every topic the events owed, and the place in the stream where it began.</summary>
internal sealed record ReplayPlan(long BeganAt, IReadOnlyDictionary<Topic, Owed> Owed);

/// <summary>
/// Who follows what, and the recent past: hands every record of the stream to the connections that follow its topics.
/// Everything changes under one lock, so a subscription begins between two records and never inside one.
/// </summary>
internal sealed class Broadcaster(IOptions<RealtimeOptions> options, FeedMetrics metrics, TimeProvider time, ILogger<Broadcaster> log)
{
    private readonly Lock _gate = new();
    private readonly RecordHistory _history = new(options.Value.HistoryBytes, options.Value.HistoryAge);
    private readonly HashSet<FeedConnection> _connections = [];
    private readonly FollowerIndex _followers = new();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _last;

    /// <summary>Completes when the stream's place is known; nobody can subscribe before.</summary>
    public Task Started => _started.Task;

    /// <summary>Position of the newest record handed out.</summary>
    public long Last
    {
        get
        {
            lock (_gate)
            {
                return _last;
            }
        }
    }

    public IReadOnlyList<FeedConnection> Connections
    {
        get
        {
            lock (_gate)
            {
                return [.. _connections];
            }
        }
    }

    private EventId Newest => new(_last, EventId.MaxIndex);

    /// <summary>Takes a place in the stream, after which records follow. What came before has to be asked for.</summary>
    public void Start(long position)
    {
        lock (_gate)
        {
            _last = position;
            _history.Restart(position);
        }

        _started.TrySetResult();
    }

    /// <summary>Hands out the next record of the stream.</summary>
    /// <param name="live">Whether Redis brought it; else it was fetched.</param>
    public void Apply(StreamRecord record, bool live)
    {
        lock (_gate)
        {
            if (record.Position <= _last)
            {
                return;
            }

            var now = time.GetUtcNow();
            _last = record.Position;
            _history.Add(record, now);
            if (_followers.Of(record.OrganizationId) is { } topics)
            {
                foreach (var feedEvent in EventsOf(record, topics.ContainsKey))
                {
                    Deliver(feedEvent, topics[feedEvent.Topic]);
                }
            }

            metrics.Applied(now - record.At, live);
        }
    }

    /// <summary>The record's events on topics that somebody wants; none of a broken record, which must not stop the stream.</summary>
    public List<FeedEvent> EventsOf(StreamRecord record, Func<Topic, bool> followed)
    {
        try
        {
            return RecordEvents.Of(record, followed).ConvertAll(part => new FeedEvent(record, part));
        }
        catch (InvalidDataException e)
        {
            log.LogError(e, "Record {Position} of organisation {Organization} is broken and cannot be told", record.Position, record.OrganizationId);
            return [];
        }
    }

    /// <summary>Recent records of an organisation from memory; <c>null</c> when memory does not reach back so far.</summary>
    public IReadOnlyList<StreamRecord>? Recent(Guid organizationId, long after, int limit)
    {
        lock (_gate)
        {
            return _history.After(organizationId, after, limit);
        }
    }

    public void Connect(FeedConnection connection)
    {
        lock (_gate)
        {
            _connections.Add(connection);
        }

        metrics.Connected();
    }

    public void Disconnect(FeedConnection connection)
    {
        connection.End();
        lock (_gate)
        {
            if (!_connections.Remove(connection))
            {
                return;
            }

            Remove(connection, [.. connection.Topics.Keys]);
        }

        metrics.Disconnected();
    }

    /// <summary>Follows topics from now on; returns the newest id at this moment.</summary>
    public EventId Follow(FeedConnection connection, IReadOnlyCollection<Topic> topics)
    {
        lock (_gate)
        {
            foreach (var topic in topics.Where(topic => !connection.Topics.ContainsKey(topic)))
            {
                Set(connection, topic, from: Newest, after: Newest);
            }

            return Newest;
        }
    }

    public void Unfollow(FeedConnection connection, IReadOnlyCollection<Topic> topics)
    {
        lock (_gate)
        {
            Remove(connection, topics);
        }
    }

    /// <summary>
    /// Holds the connection's live events back: the replay that begins brings them too, in order. What it owes: on the new
    /// topics everything after <paramref name="since"/>, on those followed already what comes from now on.
    /// </summary>
    public ReplayPlan BeginReplay(FeedConnection connection, IReadOnlyCollection<Topic> topics, EventId since)
    {
        lock (_gate)
        {
            connection.Live = false;
            var owed = connection.Topics.Keys.ToDictionary(topic => topic, _ => new Owed(Newest, Newest, Newest));
            foreach (var topic in topics)
            {
                owed[topic] = new Owed(since, connection.Topics.GetValueOrDefault(topic, Newest), Newest);
            }

            return new ReplayPlan(_last, owed);
        }
    }

    /// <summary>Goes live if the replay has brought everything; else there is more to replay.</summary>
    /// <param name="through">Position up to which the replay is done.</param>
    /// <param name="newest">The newest id at this moment, when it is live.</param>
    public bool TryEndReplay(FeedConnection connection, IReadOnlyCollection<Topic> topics, EventId since, long through, out EventId newest)
    {
        lock (_gate)
        {
            newest = Newest;
            if (_history.After(connection.Caller.OrganizationId, through, 1) is not { Count: 0 })
            {
                return false;
            }

            // The replay can be ahead of what Redis has brought here: those records are not told a second time.
            newest = Max(newest, Max(since, new EventId(through, EventId.MaxIndex)));
            foreach (var topic in topics)
            {
                var from = connection.Topics.TryGetValue(topic, out var earlier) && earlier < since ? earlier : since;
                Set(connection, topic, from, newest);
            }

            GoLive(connection, newest);
            return true;
        }
    }

    /// <summary>
    /// Gives a replay up and goes on with the topics followed before it, with what they missed meanwhile.
    /// False when that is no longer in memory: then the connection has to start anew.
    /// </summary>
    public bool TryAbandonReplay(FeedConnection connection, long through)
    {
        lock (_gate)
        {
            if (_history.After(connection.Caller.OrganizationId, through, int.MaxValue) is not { } missed)
            {
                return false;
            }

            foreach (var feedEvent in missed.SelectMany(record => EventsOf(record, connection.Topics.ContainsKey)))
            {
                connection.Offer(feedEvent);
            }

            GoLive(connection, Max(Newest, new EventId(through, EventId.MaxIndex)));
            return true;
        }
    }

    private void GoLive(FeedConnection connection, EventId after)
    {
        foreach (var (topic, from) in connection.Topics.ToList())
        {
            Set(connection, topic, from, after);
        }

        connection.Live = true;
    }

    /// <param name="from">The connection has, or is owed nothing before, everything after this id.</param>
    /// <param name="after">Live events are those after this id.</param>
    private void Set(FeedConnection connection, Topic topic, EventId from, EventId after)
    {
        if (!_connections.Contains(connection))
        {
            return;
        }

        if (!connection.Topics.ContainsKey(topic))
        {
            metrics.Subscribed(1);
        }

        connection.Topics[topic] = from;
        _followers.Set(connection, topic, after);
    }

    private void Remove(FeedConnection connection, IReadOnlyCollection<Topic> topics)
    {
        foreach (var topic in topics)
        {
            if (connection.Topics.Remove(topic))
            {
                _followers.Remove(connection, topic);
                metrics.Subscribed(-1);
            }
        }
    }

    private void Deliver(FeedEvent feedEvent, Dictionary<FeedConnection, EventId> followers)
    {
        var delivered = 0;
        foreach (var (connection, after) in followers)
        {
            if (connection.Live && feedEvent.Id > after)
            {
                connection.Offer(feedEvent);
                delivered++;
            }
        }

        metrics.Delivered(delivered);
    }

    private static EventId Max(EventId a, EventId b) => a > b ? a : b;
}
