using CityPulse.Contracts;
using Npgsql;
using StackExchange.Redis;

namespace CityPulse.Api.Events;

/// <summary>What an elected dispatcher does, until its connection is lost or the service stops.</summary>
internal sealed partial class OutboxTerm(
    NpgsqlConnection connection, IConnectionMultiplexer redis, OutboxSignal signal, OutboxOptions options, TimeProvider time,
    ILogger<OutboxDispatcher> logger)
{
    private const int PublishAtOnce = 64;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan RedisPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PruneInterval = TimeSpan.FromMinutes(1);
    private long _last;
    private long _published;
    private long _noted;
    private long _pauseStarted;
    private bool _isPaused;
    private long _pruned = time.GetTimestamp();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        (_last, _published) = await OutboxLog.ReadHeadAsync(connection, cancellationToken);
        _noted = _published;
        while (true)
        {
            var hasMore = false;
            if (await OutboxLog.HasUnplacedAsync(connection, cancellationToken))
            {
                _last = await OutboxLog.PlaceAsync(connection, _published, cancellationToken);
                _noted = _published;
                hasMore = true;
            }

            if (_published < _last && !IsPaused())
            {
                await PublishAsync(cancellationToken);
                hasMore |= _published < _last && !_isPaused;
            }

            if (!hasMore)
            {
                await RestAsync(cancellationToken);
            }
        }
    }

    /// <summary>Nothing to tell: note how far it went, clear up, and wait.</summary>
    private async Task RestAsync(CancellationToken cancellationToken)
    {
        if (_noted != _published)
        {
            await OutboxLog.NotePublishedAsync(connection, _published, cancellationToken);
            _noted = _published;
        }

        if (time.GetElapsedTime(_pruned) > PruneInterval)
        {
            await OutboxLog.PruneAsync(connection, time.GetUtcNow().AddMinutes(-options.RetentionMinutes), cancellationToken);
            _pruned = time.GetTimestamp();
        }

        await signal.WaitAsync(PollInterval, cancellationToken);
    }

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        var subscriber = redis.GetSubscriber();
        try
        {
            await foreach (var record in OutboxLog.ReadAsync(connection, _published, PublishAtOnce, null, cancellationToken))
            {
                var channel = RedisChannel.Literal(StreamRecord.Channel(record.OrganizationId));
                if (!subscriber.IsConnected(channel))
                {
                    Pause(null);
                    return;
                }

                await subscriber.PublishAsync(channel, record.ToBytes());
                _published = record.Position;
            }
        }
        catch (Exception e) when (e is RedisException or RedisTimeoutException or ObjectDisposedException)
        {
            Pause(e);
        }
    }

    private void Pause(Exception? reason)
    {
        LogRedisAway(_last - _published, reason);
        (_isPaused, _pauseStarted) = (true, time.GetTimestamp());
    }

    private bool IsPaused()
    {
        _isPaused = _isPaused && time.GetElapsedTime(_pauseStarted) < RedisPause;
        return _isPaused;
    }

    [LoggerMessage(LogLevel.Warning, "Redis is away; {Waiting} events wait to be told")]
    private partial void LogRedisAway(long waiting, Exception? exception);
}
