using System.Diagnostics.Metrics;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>How much comes in, and how long it takes to be safe.</summary>
internal sealed class IngestMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _readings;
    private readonly Histogram<double> _seconds;
    private readonly UpDownCounter<int> _inFlight;
    private readonly Counter<long> _refused;

    public IngestMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.Readings");
        _readings = _meter.CreateCounter<long>("citypulse.ingest.readings", "{reading}", "Rows of ingest, by what became of them.");
        _seconds = _meter.CreateHistogram<double>("citypulse.ingest.store.duration", "s", "From a parsed batch to its commit.");
        _inFlight = _meter.CreateUpDownCounter<int>("citypulse.ingest.in_flight", "{batch}", "Batches that are being read or stored.");
        _refused = _meter.CreateCounter<long>("citypulse.ingest.refused", "{batch}", "Batches that were told to come again because too many were in flight.");
    }

    public void Stored(StoreOutcome outcome, int rows, TimeSpan duration)
    {
        Count("accepted", outcome.Accepted);
        Count("updated", outcome.Updated);
        Count("duplicate", outcome.Duplicates);
        Count("rejected", rows - outcome.Accepted - outcome.Updated - outcome.Duplicates);
        _seconds.Record(duration.TotalSeconds);
    }

    public void Entered() => _inFlight.Add(1);

    public void Left() => _inFlight.Add(-1);

    public void Refused() => _refused.Add(1);

    public void Dispose() => _meter.Dispose();

    private void Count(string outcome, int rows)
    {
        if (rows > 0)
        {
            _readings.Add(rows, new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}
