using System.Diagnostics.Metrics;

namespace CityPulse.ServiceDefaults.RateLimiting;

internal sealed class RateLimitMetrics : IDisposable
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
    }

    public void Refused(string tier) => _refused.Add(1, new KeyValuePair<string, object?>("tier", tier));

    public void CountedAlone(string tier) => _countedAlone.Add(1, new KeyValuePair<string, object?>("tier", tier));

    public void Dispose() => _meter.Dispose();
}
