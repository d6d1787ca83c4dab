using System.Threading.Channels;

namespace CityPulse.Api.Data;

/// <summary>Wakes a worker of this process when one of the process's own transactions has left it something to do.</summary>
internal abstract class Bell
{
    private readonly Channel<bool> _rung = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>To be called after the commit.</summary>
    public void Ring() => _rung.Writer.TryWrite(true);

    /// <summary>Returns when rung, or after <paramref name="limit"/>: others may have written too.</summary>
    public async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        try
        {
            await _rung.Reader.ReadAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }
}
