using CityPulse.AiGateway.Conversations;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Swarm;

/// <summary>
/// Takes queued runs, and runs that another replica left lying, and works on them while it renews its lease. What it cannot store it lets
/// go: the lease ends, and whoever can goes on from the last stored step.
/// </summary>
internal sealed partial class SwarmWorker(
    RunLedger ledger, RunExecution execution, RunSignals signals, ConversationSchema schema, IOptions<SwarmOptions> options, IOptions<FeatureOptions> features,
    TimeProvider time, ILogger<SwarmWorker> logger)
    : BackgroundService
{
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!features.Value.Swarm)
        {
            return;
        }

        using var places = new SemaphoreSlim(options.Value.MaxConcurrentRuns);
        var working = new List<Task>();
        try
        {
            while (true)
            {
                await places.WaitAsync(stoppingToken);
                var run = await ClaimAsync(stoppingToken);
                working.RemoveAll(t => t.IsCompleted);
                working.Add(WorkAsync(run, places, stoppingToken));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Those at work give their runs back before this replica is gone.
        }

        await Task.WhenAll(working);
    }

    private async Task<ClaimedRun> ClaimAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var next = signals.Next;
            var pause = options.Value.Poll;
            try
            {
                if (await IsReadyAsync(stoppingToken) && await ledger.ClaimAsync(options.Value.Lease, stoppingToken) is { } run)
                {
                    LogClaimed(run.Id, run.Attempt, run.Steps.Count);
                    return run;
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it was: one run that cannot be read must not take the service down.
                LogAway(e);
                pause = AfterFault;
            }

            await signals.WaitAsync(next, pause, stoppingToken);
        }
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken) =>
        (await schema.CheckHealthAsync(new HealthCheckContext(), cancellationToken)).Status == HealthStatus.Healthy;

    private async Task WorkAsync(ClaimedRun run, SemaphoreSlim places, CancellationToken stoppingToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        signals.Working(run.Id, stop);
        var renewing = RenewAsync(run, stop);
        try
        {
            await execution.RunAsync(run, stop.Token);
        }
        catch (Exception e) when (e is RunLostException || stop.IsCancellationRequested)
        {
            LogLost(run.Id);
        }
        catch (Exception e)
        {
            // The run's own faults have ended it already; this is the store's, and whoever can store goes on.
            LogLetGo(run.Id, e);
        }
        finally
        {
            await stop.CancelAsync();
            await renewing;
            signals.Done(run.Id);
            if (stoppingToken.IsCancellationRequested)
            {
                await ReleaseAsync(run);
            }

            places.Release();
        }
    }

    /// <summary>Until the work is done, or the lease is not this replica's any more: then the work is stopped.</summary>
    private async Task RenewAsync(ClaimedRun run, CancellationTokenSource stop)
    {
        var renewed = time.GetTimestamp();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(options.Value.Lease / 5, time, stop.Token);
                if (!await ledger.RenewAsync(run, options.Value.Lease, stop.Token))
                {
                    await stop.CancelAsync();
                    return;
                }

                renewed = time.GetTimestamp();
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogAway(e);
                if (time.GetElapsedTime(renewed) > options.Value.Lease)
                {
                    await stop.CancelAsync();
                }
            }
        }
    }

    private async Task ReleaseAsync(ClaimedRun run)
    {
        try
        {
            await ledger.ReleaseAsync(run, CancellationToken.None);
        }
        catch (Exception e)
        {
            // The lease ends by itself.
            LogAway(e);
        }
    }

    [LoggerMessage(LogLevel.Information, "Working on the run {RunId}, attempt {Attempt}, {Steps} steps are done")]
    private partial void LogClaimed(Guid runId, int attempt, int steps);

    [LoggerMessage(LogLevel.Information, "The run {RunId} was cancelled, or is another replica's now")]
    private partial void LogLost(Guid runId);

    [LoggerMessage(LogLevel.Warning, "The run {RunId} is let go, it cannot be stored")]
    private partial void LogLetGo(Guid runId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "Runs cannot be looked for or held at the moment")]
    private partial void LogAway(Exception exception);
}
