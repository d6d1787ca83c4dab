using System.Diagnostics.Metrics;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>How much comes in, and how long it takes to be safe.</summary>
internal sealed class IngestMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _readings;
    private readonly Histogram<double> _seconds;

    public IngestMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.Readings");
        _readings = _meter.CreateCounter<long>("citypulse.ingest.readings", "{reading}", "Rows of ingest, by what became of them.");
        _seconds = _meter.CreateHistogram<double>("citypulse.ingest.store.duration", "s", "From a parsed batch to its commit.");
    }

    public void Stored(StoreOutcome outcome, int rows, TimeSpan duration)
    {
        Count("accepted", outcome.Accepted);
        Count("updated", outcome.Updated);
        Count("duplicate", outcome.Duplicates);
        Count("rejected", rows - outcome.Accepted - outcome.Updated - outcome.Duplicates);
        _seconds.Record(duration.TotalSeconds);
    }

    public void Dispose() => _meter.Dispose();

    private void Count(string outcome, int rows)
    {
        if (rows > 0)
        {
            _readings.Add(rows, new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}
