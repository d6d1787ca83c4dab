using CityPulse.Api.Data;
using Npgsql;

namespace CityPulse.Api.Backlog;

/// <summary>Looks every so often what waits. Every replica does: a look is one short query, and an elected one would cost a session for good.</summary>
internal sealed partial class BacklogWatch(
    NpgsqlDataSource source, DatabaseReady ready, BacklogMetrics metrics, TimeProvider time, ILogger<BacklogWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        while (true)
        {
            try
            {
                metrics.Observe(await Backlog.ReadAsync(source, stoppingToken));
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Old figures would say that all is well. None are noticed, and another look may go better.
                metrics.Observe(null);
                LogUnseen(e);
            }

            await Task.Delay(Interval, time, stoppingToken);
        }
    }

    [LoggerMessage(LogLevel.Warning, "It cannot be seen how far background work is behind")]
    private partial void LogUnseen(Exception exception);
}
