using System.Diagnostics.Metrics;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>How much comes in, and how long it takes to be safe.</summary>
internal sealed class IngestMetrics : IMeasures, IDisposable
{
    private static readonly InstrumentAdvice<double> Durations = new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] };
    private static readonly InstrumentAdvice<double> Ages = new() { HistogramBucketBoundaries = [1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400] };

    private readonly Meter _meter;
    private readonly Counter<long> _readings;
    private readonly Histogram<double> _seconds;
    private readonly Histogram<double> _lag;
    private readonly UpDownCounter<int> _inFlight;
    private readonly Counter<long> _refused;

    public IngestMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.Readings");
        _readings = _meter.CreateCounter<long>("citypulse.ingest.readings", "{reading}", "Rows of ingest, by what became of them.");
        _seconds = _meter.CreateHistogram<double>("citypulse.ingest.store.duration", "s", "From a parsed batch to its commit.", advice: Durations);
        _lag = _meter.CreateHistogram<double>("citypulse.ingest.lag", "s", "From a batch's newest reading to its commit.", advice: Ages);
        _inFlight = _meter.CreateUpDownCounter<int>("citypulse.ingest.in_flight", "{batch}", "Batches that are being read or stored.");
        _refused = _meter.CreateCounter<long>("citypulse.ingest.refused", "{batch}", "Batches that were told to come again because too many were in flight.");
        _refused.Add(0);
        foreach (var outcome in (string[])["accepted", "updated", "duplicate", "rejected"])
        {
            Count(outcome, 0);
        }
    }

    /// <param name="lag">How old the newest reading is by now; null when there is no good one.</param>
    public void Stored(StoreOutcome outcome, int rows, TimeSpan duration, TimeSpan? lag)
    {
        Count("accepted", outcome.Accepted);
        Count("updated", outcome.Updated);
        Count("duplicate", outcome.Duplicates);
        Count("rejected", rows - outcome.Accepted - outcome.Updated - outcome.Duplicates);
        _seconds.Record(duration.TotalSeconds);
        if (lag is { } age)
        {
            _lag.Record(Math.Max(0, age.TotalSeconds));
        }
    }

    public void Entered() => _inFlight.Add(1);

    public void Left() => _inFlight.Add(-1);

    public void Refused() => _refused.Add(1);

    public void Dispose() => _meter.Dispose();

    private void Count(string outcome, int rows) => _readings.Add(rows, new KeyValuePair<string, object?>("outcome", outcome));
}
