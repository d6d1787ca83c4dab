using System.Diagnostics.Metrics;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.Api.Backlog;

/// <summary>
/// How far background work is behind, as this replica saw it last; nothing while it cannot be seen. All replicas see the same: take the
/// maximum and not the sum.
/// </summary>
internal sealed class BacklogMetrics : IMeasures, IDisposable
{
    private readonly Meter _meter;
    private volatile Backlog? _seen;

    public BacklogMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.Backlog");
        Gauges("citypulse.outbox", "{event}", "Events that are not told yet", b => b.Outbox);
        Gauges("citypulse.rollups", "{span}", "Spans of readings whose rollups are to be made anew", b => b.Rollups);
        Gauges("citypulse.alerts.evaluation", "{item}", "Changes of readings that wait to be judged", b => b.Alerts);
        Gauges("citypulse.alerts.deliveries", "{delivery}", "Deliveries that are due and not under way", b => b.Deliveries);
    }

    public void Observe(Backlog? seen) => _seen = seen;

    public void Dispose() => _meter.Dispose();

    private void Gauges(string name, string unit, string what, Func<Backlog, Waiting> of)
    {
        _meter.CreateObservableGauge($"{name}.waiting", () => Measure(seen => of(seen).Count), unit, $"{what}.");
        _meter.CreateObservableGauge($"{name}.lag", () => Measure(seen => of(seen).OldestSeconds), "s", $"{what}: age of the oldest.");
    }

    private IEnumerable<Measurement<T>> Measure<T>(Func<Backlog, T> value)
        where T : struct => _seen is { } seen ? [new Measurement<T>(value(seen))] : [];
}
