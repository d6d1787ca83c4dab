using CityPulse.Api.Data;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>Makes dirty rollups anew in the background. Every replica may run it: they claim sensors and pass over claimed ones.</summary>
internal sealed partial class RollupWorker(
    RollupRefresh refresh, RollupSignal signal, DatabaseReady ready, IOptions<RollupOptions> options, TimeProvider time, ILogger<RollupWorker> logger)
    : BackgroundService
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Share == 0)
        {
            return;
        }

        await ready.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it is, answers stay exact without the worker; it must not take the service down.
                LogFailed(e);
                await Task.Delay(RetryDelay, time, stoppingToken);
                continue;
            }

            await signal.WaitAsync(PollInterval, stoppingToken);
            await Task.Delay(TimeSpan.FromSeconds(options.Value.DelaySeconds), time, stoppingToken);
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        for (var started = time.GetTimestamp(); await refresh.StepAsync(cancellationToken); started = time.GetTimestamp())
        {
            // Between two steps ingest and queries have the machine for themselves.
            await Task.Delay(time.GetElapsedTime(started) * ((1 / options.Value.Share) - 1), time, cancellationToken);
        }
    }

    [LoggerMessage(LogLevel.Error, "Rollups could not be made anew; answers come from the readings meanwhile")]
    private partial void LogFailed(Exception exception);
}
