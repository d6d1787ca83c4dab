using System.Diagnostics.Metrics;
using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Alerts.Domain;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.Api.Alerts;

/// <summary>How the alarm system does, in the figures of ISA-18.2, and how long judging takes.</summary>
internal sealed class AlertMetrics : IMeasures, IDisposable
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
        _evaluation = _meter.CreateHistogram<double>("citypulse.alerts.evaluation.duration", "s", "Judging one building's new readings.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });
        foreach (var severity in Enum.GetValues<AlertSeverity>())
        {
            _raised.Add(0, Of(severity));
        }

        foreach (var (channel, outcome) in Enum.GetValues<ChannelType>().SelectMany(c => Enum.GetValues<DeliveryStatus>().Select(o => (c, o))))
        {
            _attempts.Add(0, Of(channel), Of(outcome));
        }

        _floodSeconds.Add(0);
        Gauge("citypulse.alerts.per_10_minutes", "{alert}", "Alerts raised in the last 10 minutes.", s => s.Per10Minutes);
        Gauge("citypulse.alerts.chattering", "{alert}", "Alerts of the last hour that came three a minute from one source.", s => s.Chattering);
        Gauge("citypulse.alerts.stale", "{alert}", "Alerts active for more than a day.", s => s.Stale);
        Gauge("citypulse.alerts.open", "{alert}", "Alerts that are not closed.", s => s.Open);
        Gauge("citypulse.alerts.waiting", "{item}", "Changes of readings that wait to be judged.", s => s.Waiting);
    }

    public void Raised(AlertSeverity severity) => _raised.Add(1, Of(severity));

    /// <param name="channel">Null where it was deleted.</param>
    public void Delivered(ChannelType? channel, DeliveryStatus outcome) => _attempts.Add(1, Of(channel), Of(outcome));

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

    private static KeyValuePair<string, object?> Of(AlertSeverity severity) => new("severity", Words.Of(severity));

    private static KeyValuePair<string, object?> Of(ChannelType? channel) => new("channel", channel is { } type ? Words.Of(type) : "deleted");

    private static KeyValuePair<string, object?> Of(DeliveryStatus outcome) => new("outcome", Words.Of(outcome));

    private void Gauge(string name, string unit, string description, Func<Snapshot, long> value) => _meter.CreateObservableGauge(
        name, () => _snapshot is { } snapshot ? [new Measurement<long>(value(snapshot))] : Enumerable.Empty<Measurement<long>>(), unit, description);
}
