using System.Collections.Concurrent;

namespace CityPulse.AiGateway.Models;

/// <summary>The end of one attempt: its time is over, or its caller has left.</summary>
internal readonly record struct TimeLimit(CancellationTokenSource Source, CancellationTokenRegistration Caller)
{
    public CancellationToken Token => Source.Token;

    public void EndAfter(TimeSpan time) => Source.CancelAfter(time);
}

/// <summary>
/// Time limits for attempts. A source of cancellation with a timer costs more than most else of a call does, so those that ended nothing
/// are used again.
/// </summary>
internal sealed class TimeLimits(TimeProvider time)
{
    private const int MostKept = 256;

    private readonly ConcurrentQueue<CancellationTokenSource> _kept = new();

    public TimeLimit Begin(CancellationToken caller)
    {
        var source = _kept.TryDequeue(out var kept) ? kept : new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        return new TimeLimit(source, caller.UnsafeRegister(static ended => ((CancellationTokenSource)ended!).Cancel(), source));
    }

    /// <param name="isReusable">False where somebody may still hold the token.</param>
    public void End(TimeLimit limit, bool isReusable)
    {
        // Waits for a caller who is leaving at this moment: after it nobody ends the source but its own timer.
        limit.Caller.Dispose();
        if (isReusable && _kept.Count < MostKept && limit.Source.TryReset())
        {
            _kept.Enqueue(limit.Source);
        }
        else
        {
            limit.Source.Dispose();
        }
    }
}
