using System.Diagnostics.Metrics;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.Realtime.Feed;

/// <summary>What the live stream tells about itself.</summary>
internal sealed class FeedMetrics : IMeasures, IDisposable
{
    public const string MeterName = "CityPulse.Realtime";

    private readonly Meter _meter;
    private readonly UpDownCounter<long> _connections;
    private readonly UpDownCounter<long> _subscriptions;
    private readonly Counter<long> _delivered;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _records;
    private readonly Counter<long> _missed;
    private readonly Counter<long> _replayed;
    private readonly Histogram<double> _lag;

    public FeedMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _connections = _meter.CreateUpDownCounter<long>("citypulse.realtime.connections", "{connection}", "Open connections.");
        _subscriptions = _meter.CreateUpDownCounter<long>("citypulse.realtime.subscriptions", "{subscription}", "Topics followed, summed over connections.");
        _delivered = _meter.CreateCounter<long>("citypulse.realtime.events.delivered", "{event}", "Events handed to connections, live and replayed.");
        _dropped = _meter.CreateCounter<long>("citypulse.realtime.events.dropped", "{event}", "Events that slow clients did not take; they are told and can resume.");
        _closed = _meter.CreateCounter<long>("citypulse.realtime.closed", "{connection}", "Connections closed by the server, by reason.");
        _records = _meter.CreateCounter<long>("citypulse.realtime.records", "{record}", "Records of the stream, by the way they came.");
        _missed = _meter.CreateCounter<long>("citypulse.realtime.missed", "{gap}", "Times that Redis lost records and the stream was asked for them.");
        _replayed = _meter.CreateCounter<long>("citypulse.realtime.replays", "{replay}", "Subscriptions with since, by outcome.");
        _lag = _meter.CreateHistogram<double>("citypulse.realtime.lag", "s", "From the change to its events being handed to connections.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] });
        _connections.Add(0);
        _subscriptions.Add(0);
        foreach (var counter in (Counter<long>[])[_delivered, _dropped, _missed])
        {
            counter.Add(0);
        }

        foreach (var why in Enum.GetValues<FeedClose>())
        {
            _closed.Add(0, Of(why));
        }
    }

    public void Connected() => _connections.Add(1);

    public void Disconnected() => _connections.Add(-1);

    public void Subscribed(int topics) => _subscriptions.Add(topics);

    public void Delivered(int events) => _delivered.Add(events);

    public void Dropped(int events) => _dropped.Add(events);

    public void Closed(FeedClose why) => _closed.Add(1, Of(why));

    public void Applied(TimeSpan lag, bool live)
    {
        _records.Add(1, new KeyValuePair<string, object?>("source", live ? "redis" : "stream"));
        _lag.Record(Math.Max(0, lag.TotalSeconds));
    }

    public void Missed() => _missed.Add(1);

    public void Replayed(bool gap) => _replayed.Add(1, new KeyValuePair<string, object?>("outcome", gap ? "gap" : "complete"));

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Of(FeedClose why) => new("reason", why.Code());
}
