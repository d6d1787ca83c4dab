using System.Runtime.CompilerServices;
using System.Threading.RateLimiting;
using CityPulse.ServiceDefaults.RateLimiting.Domain;
using StackExchange.Redis;

namespace CityPulse.ServiceDefaults.RateLimiting;

/// <summary>Whose budget of which tier.</summary>
internal readonly record struct Partition(Tier Tier, PartitionKind Kind, string Id);

internal enum PartitionKind
{
    Address,
    User,
    Key,
}

/// <summary>A tier as it is configured, and the header that says so.</summary>
internal sealed record Tier(string Name, long Permits, TimeSpan Window)
{
    public string Policy { get; } = FormattableString.Invariant($"\"{Name}\";q={Permits};w={(long)Window.TotalSeconds}");

    /// <summary>There is one of each, and they are looked up with every request.</summary>
    public bool Equals(Tier? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
}

/// <summary>What a request was told; a lease that is not given back, as a window is over when it is over.</summary>
internal sealed class WindowLease(Tier tier, Verdict verdict) : RateLimitLease
{
    public static readonly WindowLease Unknown = new(new Tier("", 0, TimeSpan.Zero), default);

    public Tier Tier => tier;

    public long Remaining => verdict.Remaining;

    /// <summary>Whole seconds, rounded up: who waits that long is not early.</summary>
    public long ResetSeconds => Math.Max(1, (long)Math.Ceiling(verdict.ResetAfter.TotalSeconds));

    public override bool IsAcquired => verdict.IsGranted;

    public override IEnumerable<string> MetadataNames => [MetadataName.RetryAfter.Name];

    public override bool TryGetMetadata(string metadataName, out object? metadata)
    {
        metadata = !IsAcquired && metadataName == MetadataName.RetryAfter.Name ? verdict.ResetAfter : null;
        return metadata is not null;
    }
}

/// <summary>The limiter of one partition: decides here what it can, and asks the shared window for the rest.</summary>
internal sealed class WindowLimiter(Partition partition, SharedWindows shared, RateLimitMetrics metrics, TimeProvider time) : RateLimiter
{
    private readonly Lock _lock = new();
    private readonly RedisKey _key = FormattableString.Invariant($"citypulse:limit:{partition.Tier.Name}:{Kind(partition.Kind)}:{partition.Id}");
    private readonly long _chunk = WindowState.Chunk(partition.Tier.Permits);
    private WindowState _state = new(partition.Tier.Permits, partition.Tier.Window);
    private long _lastUsed = time.GetTimestamp();

    /// <summary>Null as long as something here must not be forgotten.</summary>
    public override TimeSpan? IdleDuration
    {
        get
        {
            lock (_lock)
            {
                return _state.IsNeeded(Now()) ? null : time.GetElapsedTime(_lastUsed);
            }
        }
    }

    public override RateLimiterStatistics? GetStatistics() => null;

    protected override RateLimitLease AttemptAcquireCore(int permitCount)
    {
        lock (_lock)
        {
            _lastUsed = time.GetTimestamp();
            return _state.TryDecide(Now()) is { } verdict ? new WindowLease(partition.Tier, verdict) : WindowLease.Unknown;
        }
    }

    protected override async ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_state.TryDecide(Now()) is { } known)
            {
                return new WindowLease(partition.Tier, known);
            }
        }

        var (answered, window) = await shared.TakeAsync(_key, _chunk, partition.Tier);
        Verdict verdict;
        lock (_lock)
        {
            verdict = answered ? _state.Learn(window, Now()) : _state.CountAlone(Now());
        }

        if (!answered)
        {
            metrics.CountedAlone(partition.Tier.Name);
        }

        return new WindowLease(partition.Tier, verdict);
    }

    private long Now() => time.GetElapsedTime(0).Ticks;

    private static string Kind(PartitionKind kind) => kind switch
    {
        PartitionKind.User => "user",
        PartitionKind.Key => "key",
        _ => "ip",
    };
}
