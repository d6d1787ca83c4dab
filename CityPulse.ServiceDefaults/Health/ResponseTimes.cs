using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.ServiceDefaults.Health;

/// <summary>Durations of the answers of the last minute, summed by second; no lock and nothing allocated a request.</summary>
internal sealed class ResponseTimes(TimeProvider time)
{
    private const int Seconds = 60;

    private struct Slot
    {
        public long Second;
        public long Count;
        public long Ticks;
    }

    private readonly Slot[] _slots = new Slot[Seconds];

    public void Add(TimeSpan duration)
    {
        var second = Now();
        ref var slot = ref _slots[second % Seconds];
        var seen = Volatile.Read(ref slot.Second);
        if (seen != second && Interlocked.CompareExchange(ref slot.Second, second, seen) == seen)
        {
            // An answer counted by another thread in this very moment may get lost: an average can bear that.
            Interlocked.Exchange(ref slot.Count, 0);
            Interlocked.Exchange(ref slot.Ticks, 0);
        }

        Interlocked.Increment(ref slot.Count);
        Interlocked.Add(ref slot.Ticks, duration.Ticks);
    }

    public (long Count, TimeSpan Average) LastMinute()
    {
        var now = Now();
        long count = 0, ticks = 0;
        foreach (ref var slot in _slots.AsSpan())
        {
            if (now - Volatile.Read(ref slot.Second) < Seconds)
            {
                count += Volatile.Read(ref slot.Count);
                ticks += Volatile.Read(ref slot.Ticks);
            }
        }

        return (count, count == 0 ? TimeSpan.Zero : TimeSpan.FromTicks(ticks / count));
    }

    private long Now() => time.GetUtcNow().ToUnixTimeSeconds();
}

/// <summary>Degraded when the average answer of the last minute took more than a second.</summary>
internal sealed class ResponseTimeCheck(ResponseTimes times) : IHealthCheck
{
    private static readonly TimeSpan DegradedAbove = TimeSpan.FromSeconds(1);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (count, average) = times.LastMinute();
        var data = new Dictionary<string, object>
        {
            ["averageMs"] = Math.Round(average.TotalMilliseconds, 2),
            ["requests"] = count,
            ["windowSeconds"] = 60,
        };
        return Task.FromResult(average > DegradedAbove
            ? HealthCheckResult.Degraded("The average answer of the last minute took more than a second.", data: data)
            : HealthCheckResult.Healthy("Answers are fast enough.", data));
    }
}
