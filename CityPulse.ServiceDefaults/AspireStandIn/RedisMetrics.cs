using System.Diagnostics.Metrics;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>How the connection to Redis fares.</summary>
internal sealed class RedisMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _failures;

    public RedisMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("CityPulse.Redis");
        _failures = _meter.CreateCounter<long>("citypulse.redis.connection.failures", "{failure}", "Connections to Redis that were lost or not made.");
    }

    public void Watch(IConnectionMultiplexer redis)
    {
        redis.ConnectionFailed += (_, _) => _failures.Add(1);
        _meter.CreateObservableGauge(
            "citypulse.redis.connected", () => redis.IsConnected ? 1 : 0, "{connection}", "Whether Redis can be reached.");
        _meter.CreateObservableCounter(
            "citypulse.redis.operations", () => redis.OperationCount, "{operation}", "Commands sent to Redis.");
    }

    public void Dispose() => _meter.Dispose();
}
