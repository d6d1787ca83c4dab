using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace CityPulse.ServiceDefaults.Redis;

/// <summary>
/// Redis for what can do without it. A question that is not answered within the connection's own <c>asyncTimeout</c>, or for which there
/// is no connection, puts it down as away; from then on nobody waits for it, and a look every so often finds out whether it is back.
/// </summary>
public sealed partial class RedisReach : IDisposable
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);

    private readonly IConnectionMultiplexer? _redis;
    private readonly IDatabase? _database;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisReach> _logger;
    private readonly Meter _meter;
    private long _lastLook;
    private int _isLooking;
    private volatile bool _isAway;

    public RedisReach(IServiceProvider services, TimeProvider time, ILogger<RedisReach> logger, IMeterFactory meters)
    {
        // A service without a Redis of its own is a service whose Redis is always away.
        _redis = services.GetService<IConnectionMultiplexer>();
        _database = _redis?.GetDatabase();
        (_time, _logger) = (time, logger);
        _meter = meters.Create("CityPulse.Redis.Reach");
        _meter.CreateObservableGauge(
            "citypulse.redis.away", () => _isAway || _redis is null ? 1 : 0, "{outage}",
            "Whether Redis does not answer: then limits are counted by this replica alone, and nothing is kept for other replicas.");
    }

    /// <summary>Whether there is a Redis at all that could be asked.</summary>
    public bool IsConfigured => _redis is not null;

    /// <returns>Whether Redis answered, and what.</returns>
    public async ValueTask<(bool Answered, T Value)> AskAsync<TState, T>(TState state, Func<IDatabase, TState, Task<T>> question)
    {
        if (_redis is null || _isAway)
        {
            LookAgain();
            return (false, default!);
        }

        if (!_redis.IsConnected)
        {
            GoAway("there is no connection");
            return (false, default!);
        }

        try
        {
            return (true, await question(_database!, state));
        }
        catch (Exception e) when (IsOutage(e))
        {
            GoAway(e.Message);
            return (false, default!);
        }
    }

    /// <summary>Beside the request that happens to come by: none should pay for the look with its own time.</summary>
    private void LookAgain()
    {
        if (_redis is not null && _time.GetElapsedTime(Volatile.Read(ref _lastLook)) >= BetweenLooks && Interlocked.Exchange(ref _isLooking, 1) == 0)
        {
            _ = LookAsync(_redis, _database!);
        }
    }

    private async Task LookAsync(IConnectionMultiplexer redis, IDatabase database)
    {
        try
        {
            if (redis.IsConnected)
            {
                await database.PingAsync();
                ComeBack();
            }
        }
        catch (Exception e) when (IsOutage(e))
        {
            // Still away; that it is was said already.
        }
        finally
        {
            Volatile.Write(ref _lastLook, _time.GetTimestamp());
            Volatile.Write(ref _isLooking, 0);
        }
    }

    private static bool IsOutage(Exception e) => e is RedisException or TimeoutException or ObjectDisposedException;

    private void GoAway(string reason)
    {
        lock (_meter)
        {
            if (!_isAway)
            {
                Volatile.Write(ref _lastLook, _time.GetTimestamp());
                _isAway = true;
                LogAway(_logger, reason);
            }
        }
    }

    private void ComeBack()
    {
        lock (_meter)
        {
            if (_isAway)
            {
                _isAway = false;
                LogBack(_logger);
            }
        }
    }

    public void Dispose() => _meter.Dispose();

    [LoggerMessage(LogLevel.Warning, "Redis is away ({Reason}): rate limits are counted by this replica alone, and nothing is shared with others, until it is back.")]
    private static partial void LogAway(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "Redis is back: rate limits are shared again.")]
    private static partial void LogBack(ILogger logger);
}
