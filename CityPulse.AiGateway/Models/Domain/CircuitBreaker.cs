namespace CityPulse.AiGateway.Models.Domain;

/// <summary>
/// Leaves a provider alone after failures in a row: closed until then, open for a time, then one call is let through to find out.
/// </summary>
internal sealed class CircuitBreaker(int failuresToBreak, TimeSpan breakFor)
{
    private readonly Lock _lock = new();
    // Without a failure there is nothing to look up or to forget, and so nothing to lock for.
    private volatile int _failures;
    private DateTimeOffset? _openUntil;

    /// <summary>Null when a call may go, else how long to wait.</summary>
    public TimeSpan? Wait(DateTimeOffset now)
    {
        if (_failures == 0)
        {
            return null;
        }

        lock (_lock)
        {
            if (_openUntil is not { } until)
            {
                return null;
            }

            if (now < until)
            {
                return until - now;
            }

            // The one that finds out; the others wait for what it finds.
            _openUntil = now + breakFor;
            return null;
        }
    }

    public void Succeeded()
    {
        if (_failures == 0)
        {
            return;
        }

        lock (_lock)
        {
            (_failures, _openUntil) = (0, null);
        }
    }

    public void Failed(DateTimeOffset now)
    {
        lock (_lock)
        {
            if (++_failures >= failuresToBreak)
            {
                _openUntil = now + breakFor;
            }
        }
    }
}
