using System.Threading.Channels;

namespace CityPulse.Api.Events;

/// <summary>Wakes the dispatcher of this process when one of its own transactions has something to tell.</summary>
internal sealed class OutboxSignal
{
    private readonly Channel<bool> _bell = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>To be called after the commit.</summary>
    public void Ring() => _bell.Writer.TryWrite(true);

    /// <summary>Returns when rung, or after <paramref name="limit"/>: others may have written too.</summary>
    public async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        try
        {
            await _bell.Reader.ReadAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }
}
