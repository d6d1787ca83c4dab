using System.Collections.Concurrent;

namespace CityPulse.AiGateway.Swarm;

/// <summary>
/// Word between the parts of one replica that something happened to a run, so that they need not wait for their next look. What it does
/// not carry (other replicas, a lost word) is found by looking.
/// </summary>
internal sealed class RunSignals(TimeProvider time)
{
    private readonly ConcurrentDictionary<Guid, CancellationTokenSource> _working = new();
    private volatile TaskCompletionSource _changed = NewSource();

    /// <summary>A run was queued, went on or ended.</summary>
    public void Ring() => Interlocked.Exchange(ref _changed, NewSource()).TrySetResult();

    /// <summary>What <see cref="WaitAsync"/> waits for; take it before looking, so that nothing between is missed.</summary>
    public Task Next => _changed.Task;

    public async Task WaitAsync(Task next, TimeSpan longest, CancellationToken cancellationToken)
    {
        try
        {
            await next.WaitAsync(longest, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Time for a look.
        }
    }

    /// <summary>Runs that this replica works on, so that one can be stopped at once.</summary>
    public void Working(Guid runId, CancellationTokenSource stop) => _working[runId] = stop;

    public void Done(Guid runId) => _working.TryRemove(runId, out _);

    public void Stop(Guid runId)
    {
        if (_working.TryGetValue(runId, out var stop))
        {
            try
            {
                stop.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has just ended by itself.
            }
        }

        Ring();
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
