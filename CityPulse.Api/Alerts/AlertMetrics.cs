using System.Diagnostics.Metrics;
using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Alerts.Domain;

namespace CityPulse.Api.Alerts;

/// <summary>How the alarm system does, in the figures of ISA-18.2, and how long judging takes.</summary>
internal sealed class AlertMetrics : IDisposable
{
    /// <summary>The system as a whole, as the elected ticker saw it last; null on other replicas.</summary>
    internal sealed record Snapshot(int Per10Minutes, int Chattering, long Stale, long Open, long Waiting);

    private readonly Meter _meter;
    private readonly Counter<long> _raised;
    private readonly Counter<double> _floodSeconds;
    private readonly Counter<long> _attempts;
    private readonly Histogram<double> _evaluation;
    private volatile Snapshot? _snapshot;

    public AlertMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.Alerts");
        _raised = _meter.CreateCounter<long>("citypulse.alerts.raised", "{alert}", "Alerts raised, by severity.");
        _floodSeconds = _meter.CreateCounter<double>("citypulse.alerts.flood", "s", "Time in which more than 10 alerts were raised in 10 minutes.");
        _attempts = _meter.CreateCounter<long>("citypulse.alerts.delivery.attempts", "{attempt}", "Attempts to tell a channel, by its type and what came of it.");
        _evaluation = _meter.CreateHistogram<double>("citypulse.alerts.evaluation.duration", "s", "Judging one building's new readings.");
        Gauge("citypulse.alerts.per_10_minutes", "{alert}", "Alerts raised in the last 10 minutes.", s => s.Per10Minutes);
        Gauge("citypulse.alerts.chattering", "{alert}", "Alerts of the last hour that came three a minute from one source.", s => s.Chattering);
        Gauge("citypulse.alerts.stale", "{alert}", "Alerts active for more than a day.", s => s.Stale);
        Gauge("citypulse.alerts.open", "{alert}", "Alerts that are not closed.", s => s.Open);
        Gauge("citypulse.alerts.waiting", "{item}", "Changes of readings that wait to be judged.", s => s.Waiting);
    }

    public void Raised(AlertSeverity severity) => _raised.Add(1, new KeyValuePair<string, object?>("severity", Words.Of(severity)));

    /// <param name="channel">Null where it was deleted.</param>
    public void Delivered(ChannelType? channel, DeliveryStatus outcome) => _attempts.Add(
        1,
        new KeyValuePair<string, object?>("channel", channel is { } type ? Words.Of(type) : "deleted"),
        new KeyValuePair<string, object?>("outcome", Words.Of(outcome)));

    public void Evaluated(TimeSpan duration) => _evaluation.Record(duration.TotalSeconds);

    /// <param name="sinceLast">How long the snapshot before has stood.</param>
    public void Observe(Snapshot? snapshot, TimeSpan sinceLast)
    {
        if (_snapshot is { } last && last.Per10Minutes > AlarmFigures.FloodPer10Minutes)
        {
            _floodSeconds.Add(sinceLast.TotalSeconds);
        }

        _snapshot = snapshot;
    }

    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string unit, string description, Func<Snapshot, long> value) => _meter.CreateObservableGauge(
        name, () => _snapshot is { } snapshot ? [new Measurement<long>(value(snapshot))] : Enumerable.Empty<Measurement<long>>(), unit, description);
}
