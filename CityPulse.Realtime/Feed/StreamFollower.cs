using System.Threading.Channels;
using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// Follows the stream: takes records from Redis in order, notices what Redis lost, and fetches that from the outbox. With
/// Redis away it asks the outbox alone, so events go on, only a little later.
/// </summary>
internal sealed class StreamFollower(
    IConnectionMultiplexer redis,
    StreamHistory stream,
    Broadcaster broadcaster,
    FeedMetrics metrics,
    IOptions<RealtimeOptions> options,
    TimeProvider time,
    ILogger<StreamFollower> log) : BackgroundService
{
    private static readonly RedisChannel Pattern = RedisChannel.Pattern(StreamRecord.ChannelPattern);
    private static readonly TimeSpan Uneasy = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // null = look whether something was missed. A full channel drops what comes, and the gap shows at the next record.
    private readonly Channel<StreamRecord?> _arrivals =
        Channel.CreateBounded<StreamRecord?>(new BoundedChannelOptions(10_000) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    private long _restoredAt;
    private volatile bool _subscribed;

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        redis.ConnectionRestored += OnRestored;
        await using var ticks = time.CreateTimer(
            _ => _arrivals.Writer.TryWrite(null), null, options.Value.LookEveryWithoutRedis, options.Value.LookEveryWithoutRedis);
        try
        {
            await Task.WhenAll(SubscribeAsync(stop), FollowAsync(stop));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The service stops.
        }
        finally
        {
            redis.ConnectionRestored -= OnRestored;
        }
    }

    private async Task SubscribeAsync(CancellationToken stop)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                var messages = await redis.GetSubscriber().SubscribeAsync(Pattern);
                messages.OnMessage(message => OnMessage(message.Message));
                _subscribed = true;
                await _arrivals.Writer.WriteAsync(null, stop);
                return;
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                log.LogWarning("Redis cannot be subscribed to yet: {Reason}", e.Message);
                await Task.Delay(Pause(attempt), time, stop);
            }
        }
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        await PersistAsync(TakePlaceAsync, stop);
        var looked = time.GetTimestamp();
        await foreach (var record in _arrivals.Reader.ReadAllAsync(stop))
        {
            if (record is null)
            {
                if (time.GetElapsedTime(looked) < (IsRedisSure() ? options.Value.LookEvery : TimeSpan.Zero))
                {
                    continue;
                }
            }
            else
            {
                switch (StreamOrder.Judge(broadcaster.Last, record))
                {
                    case Arrival.Next:
                        broadcaster.Apply(record, live: true);
                        continue;
                    case Arrival.Repeated:
                        continue;
                    case Arrival.AfterMissed:
                        metrics.Missed();
                        log.LogInformation("Redis lost what came between {Last} and {Position}; fetching it", broadcaster.Last, record.Position);
                        break;
                }
            }

            await PersistAsync(CatchUpAsync, stop);
            looked = time.GetTimestamp();
        }
    }

    private async Task TakePlaceAsync(CancellationToken stop)
    {
        var tail = await stream.TailAsync(stop);
        broadcaster.Start(tail.Newest);
    }

    private async Task CatchUpAsync(CancellationToken stop)
    {
        while (true)
        {
            var last = broadcaster.Last;
            var page = await stream.ReadAsync(last, organizationId: null, stop);
            if (StreamOrder.Judge(last, page.Newest, page.Records is [var first, ..] ? first : null) is var joint && joint != CatchUp.Complete)
            {
                // Clients learn by resuming what is gone and what is not.
                log.LogWarning("The stream does not continue at {Last} ({Reason}); connections start anew at {Newest}", last, joint, page.Newest);
                broadcaster.Start(page.Newest);
                foreach (var connection in broadcaster.Connections)
                {
                    _ = connection.CloseAsync(FeedClose.Gap);
                }

                return;
            }

            foreach (var record in page.Records)
            {
                broadcaster.Apply(record, live: false);
            }

            if (page.Records.Count < StreamHistory.PageSize)
            {
                return;
            }
        }
    }

    /// <summary>Tries until it succeeds: without the outbox nothing can go on, and nothing is lost by waiting for it.</summary>
    private async Task PersistAsync(Func<CancellationToken, Task> work, CancellationToken stop)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await work(stop);
                return;
            }
            catch (Exception e) when (Upstream.IsAway(e, stop))
            {
                log.LogWarning("The stream cannot be read: {Reason}", e.Message);
                await Task.Delay(Pause(attempt), time, stop);
            }
        }
    }

    /// <summary>Whether Redis can be trusted to bring the next record: subscribed, connected, and not just come back.</summary>
    private bool IsRedisSure() =>
        _subscribed
        && redis.GetSubscriber().IsConnected(Pattern)
        && (Volatile.Read(ref _restoredAt) is var restored && (restored == 0 || time.GetElapsedTime(restored) > Uneasy));

    private void OnMessage(RedisValue message)
    {
        try
        {
            _arrivals.Writer.TryWrite(StreamRecord.FromBytes((byte[])message!));
        }
        catch (InvalidDataException e)
        {
            log.LogError(e, "Redis brought something that is no record");
        }
    }

    private void OnRestored(object? sender, ConnectionFailedEventArgs e)
    {
        Volatile.Write(ref _restoredAt, time.GetTimestamp());
        _arrivals.Writer.TryWrite(null);
    }

    private static TimeSpan Pause(int attempt) =>
        TimeSpan.FromMilliseconds(Math.Min(LongestPause.TotalMilliseconds, 100 * Math.Pow(2, Math.Min(attempt, 10))));
}
