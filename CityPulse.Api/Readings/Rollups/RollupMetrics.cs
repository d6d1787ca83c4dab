using System.Diagnostics.Metrics;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>What keeping rollups takes.</summary>
internal sealed class RollupMetrics : IMeasures, IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _readings;
    private readonly Counter<long> _rollups;
    private readonly Histogram<int> _left;

    public RollupMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.Readings");
        _readings = _meter.CreateCounter<long>("citypulse.rollups.readings", "{reading}", "Readings that were read to make rollups anew.");
        _rollups = _meter.CreateCounter<long>("citypulse.rollups.written", "{rollup}", "Rollups that were made anew.");
        _left = _meter.CreateHistogram<int>("citypulse.rollups.left", "{span}", "Dirty spans of the claimed sensors that a step left for the next.");
    }

    public void Refreshed(int readings, int rollups, int left)
    {
        _readings.Add(readings);
        _rollups.Add(rollups);
        _left.Record(left);
    }

    public void Dispose() => _meter.Dispose();
}
