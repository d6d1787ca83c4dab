namespace CityPulse.ServiceDefaults.RateLimiting.Domain;

/// <summary>What a limiter says to one request.</summary>
/// <param name="Remaining">Requests that are left in the window, as far as is known.</param>
/// <param name="ResetAfter">Until the window ends.</param>
internal readonly record struct Verdict(bool IsGranted, long Remaining, TimeSpan ResetAfter);

/// <summary>What the shared counter said to a replica that asked for permits.</summary>
/// <param name="Granted">How many it was given, at most what it asked for.</param>
/// <param name="Used">How many have been given to all replicas in the window, these included.</param>
/// <param name="ResetAfter">Until the window ends.</param>
internal readonly record struct SharedWindow(long Granted, long Used, TimeSpan ResetAfter);

/// <summary>
/// One budget as one replica knows it: a fixed window that begins with the first request. The truth is the shared counter; here lie the
/// permits that were fetched from it and not used yet, the news that there are none left, and, while the counter cannot be asked, a
/// count of its own. Times are ticks of any clock that only goes forward.
/// </summary>
internal struct WindowState(long permits, TimeSpan window)
{
    private long _endsAt = long.MinValue;
    private long _used;
    private long _held;
    private bool _isFull;

    /// <summary>
    /// How many permits to fetch at once. One, so that counting is exact; for very large limits a thousandth, so that most requests need
    /// no round trip. What a replica has fetched and not used when the window ends is lost.
    /// </summary>
    public static long Chunk(long permits) => permits > LargestExact ? permits / 1000 : 1;

    private const long LargestExact = 10_000;

    /// <summary>Whether something here must outlast the request.</summary>
    public readonly bool IsNeeded(long now) => now < _endsAt && (_held > 0 || _isFull || IsAlone);

    /// <summary>Whether the last request was counted here alone.</summary>
    public bool IsAlone { get; private set; }

    /// <summary>The verdict where it is known already; null when the shared counter has to be asked.</summary>
    public Verdict? TryDecide(long now)
    {
        if (now >= _endsAt)
        {
            return null;
        }

        if (_held > 0)
        {
            _held--;
            return Grant(now);
        }

        return _isFull ? Refuse(now) : null;
    }

    /// <summary>Takes over what the shared counter said, one permit of it for the request that asked.</summary>
    public Verdict Learn(SharedWindow shared, long now)
    {
        var endsAt = now + shared.ResetAfter.Ticks;
        if (endsAt - _endsAt > window.Ticks / 2)
        {
            // Another window: what was fetched from the one before it is void.
            _held = 0;
        }

        (_endsAt, _used, IsAlone) = (endsAt, shared.Used, false);
        _isFull = shared.Used >= permits;
        if (shared.Granted == 0)
        {
            return Refuse(now);
        }

        _held += shared.Granted - 1;
        return Grant(now);
    }

    /// <summary>Counts the request here, going on from what was last known of the window.</summary>
    public Verdict CountAlone(long now)
    {
        if (now >= _endsAt)
        {
            (_endsAt, _used, _held) = (now + window.Ticks, 0, 0);
        }

        // Whether all is used is asked anew each time, so that nothing of the outage outlasts it.
        (IsAlone, _isFull) = (true, false);
        if (_used >= permits)
        {
            return Refuse(now);
        }

        _used++;
        return Grant(now);
    }

    private readonly Verdict Grant(long now) => new(true, Math.Max(0, permits - _used) + _held, TimeSpan.FromTicks(_endsAt - now));

    private readonly Verdict Refuse(long now) => new(false, 0, TimeSpan.FromTicks(_endsAt - now));
}
