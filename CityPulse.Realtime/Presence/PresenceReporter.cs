using System.Text.Json;
using CityPulse.Contracts;
using StackExchange.Redis;

namespace CityPulse.Realtime.Presence;

/// <summary>
/// Says in Redis who is connected here: soon after every change, and again before the report ends. Nothing is taken back
/// at shutdown: the people come back at another replica while the report still counts, so that nobody seems to leave.
/// </summary>
internal sealed class PresenceReporter(PresenceBoard board, IConnectionMultiplexer redis, TimeProvider time, ILogger<PresenceReporter> log)
    : BackgroundService
{
    /// <summary>Changes of so long go into one report, as when all reconnect.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly string _replica = Guid.CreateVersion7().ToString("N");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isAway = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = PresenceReport.Renewal;
            try
            {
                await WriteAsync(board.Report());
                isAway = false;
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                if (!isAway)
                {
                    log.LogWarning("Redis does not take who is connected: {Reason}", e.Message);
                }

                (isAway, wait) = (true, Retry);
            }

            await Task.WhenAny(isAway ? Task.Delay(wait, time, stoppingToken) : board.Changed, Task.Delay(wait, time, stoppingToken));
            await Task.Delay(Gathering, time, stoppingToken);
        }
    }

    private async Task WriteAsync(PresenceReport report)
    {
        var database = redis.GetDatabase();
        var json = JsonSerializer.SerializeToUtf8Bytes(report, JsonSerializerOptions.Web);
        await database.StringSetAsync(PresenceReport.Key(_replica), json, PresenceReport.Lifetime);
        await database.SetAddAsync(PresenceReport.Replicas, _replica);
    }
}
