using System.Diagnostics.Metrics;
using CityPulse.AiGateway.Conversations;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CityPulse.AiGateway.Swarm;

/// <summary>
/// How many runs wait for a replica, and how long the oldest, as this replica saw it last; nothing while it cannot be seen. All replicas
/// see the same: take the maximum and not the sum.
/// </summary>
internal sealed class RunQueueMetrics : IMeasures, IDisposable
{
    internal sealed record Seen(long Waiting, double OldestSeconds);

    private readonly Meter _meter;
    private volatile Seen? _seen;

    public RunQueueMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.AiGateway.Swarm");
        _meter.CreateObservableGauge("citypulse.swarm.runs.waiting", () => Measure(s => s.Waiting), "{run}", "Runs that wait for a replica.");
        _meter.CreateObservableGauge("citypulse.swarm.runs.lag", () => Measure(s => s.OldestSeconds), "s", "Runs that wait for a replica: age of the oldest.");
    }

    public void Observe(Seen? seen) => _seen = seen;

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<T>> Measure<T>(Func<Seen, T> value)
        where T : struct => _seen is { } seen ? [new Measurement<T>(value(seen))] : [];
}

/// <summary>Looks every so often how long the queue of runs is.</summary>
internal sealed partial class RunQueueWatch(
    NpgsqlDataSource source, ConversationSchema schema, RunQueueMetrics metrics, IOptions<FeatureOptions> features, TimeProvider time, ILogger<RunQueueWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (features.Value.Swarm)
        {
            try
            {
                metrics.Observe(schema.IsReady ? await ReadAsync(stoppingToken) : null);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Old figures would say that all is well. None are noticed, and another look may go better.
                metrics.Observe(null);
                LogUnseen(e);
            }

            await Task.Delay(schema.IsReady ? Interval : TimeSpan.FromSeconds(1), time, stoppingToken);
        }
    }

    private async Task<RunQueueMetrics.Seen> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("""
            select count(*), greatest(0, coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0))::double precision
            from ai.swarm_runs where status = 'queued'
            """);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return new RunQueueMetrics.Seen(row.GetInt64(0), row.GetDouble(1));
    }

    [LoggerMessage(LogLevel.Warning, "It cannot be seen how many runs wait")]
    private partial void LogUnseen(Exception exception);
}
