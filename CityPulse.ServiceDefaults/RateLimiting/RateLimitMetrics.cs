using System.Diagnostics.Metrics;
using CityPulse.ServiceDefaults.RateLimiting.Domain;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.ServiceDefaults.RateLimiting;

internal sealed class RateLimitMetrics : IMeasures, IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _countedAlone;

    public RateLimitMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.RateLimiting");
        _refused = _meter.CreateCounter<long>("citypulse.ratelimit.refused", "{request}", "Requests that were over their limit, by tier.");
        _countedAlone = _meter.CreateCounter<long>(
            "citypulse.ratelimit.counted_alone", "{request}", "Requests that this replica counted by itself because Redis was away, by tier.");
        foreach (var tier in TierTable.Names)
        {
            _refused.Add(0, Of(tier));
            _countedAlone.Add(0, Of(tier));
        }
    }

    public void Refused(string tier) => _refused.Add(1, Of(tier));

    public void CountedAlone(string tier) => _countedAlone.Add(1, Of(tier));

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Of(string tier) => new("tier", tier);
}
