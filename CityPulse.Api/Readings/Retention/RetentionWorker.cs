using CityPulse.Api.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CityPulse.Api.Readings.Retention;

/// <summary>Lets the sweep run from time to time, on one replica at once.</summary>
internal sealed partial class RetentionWorker(
    NpgsqlDataSource source, RetentionSweep sweep, DatabaseReady ready, IOptions<RetentionOptions> options, TimeProvider time,
    ILogger<RetentionWorker> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var held = await AdvisoryLock.AcquireAsync(source, AdvisoryLockKeys.Retention, stoppingToken);
                await sweep.RunAsync(time.GetUtcNow(), stoppingToken);
            }
            catch (NpgsqlException e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(e);
            }

            await Task.Delay(TimeSpan.FromMinutes(options.Value.CheckMinutes), time, stoppingToken);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Old readings could not be given up; trying again at the next check")]
    private partial void LogFailed(Exception exception);
}
