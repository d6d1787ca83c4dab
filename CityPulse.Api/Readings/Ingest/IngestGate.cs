using Microsoft.Extensions.Options;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// Bounds what one replica reads and stores at once, in batches and in bytes: under more load than the database takes, memory stays
/// flat and clients learn at once that they should come again.
/// </summary>
internal sealed class IngestGate(IOptions<IngestOptions> options, IngestMetrics metrics) : IDisposable
{
    /// <summary>Waiting requests a batch in flight. They cost no memory, but more of them would only wait in vain.</summary>
    private const int WaitingPerBatch = 4;

    private readonly SemaphoreSlim _batches = new(options.Value.MaxBatchesInFlight);
    private readonly IngestMetrics _metrics = metrics;
    private readonly long _maxBytes = options.Value.MaxMegabytesInFlight * 1024L * 1024;
    private int _waiting;
    private long _bytes;

    /// <returns>The right to read and store one batch, to be disposed; null when there is none to be had soon.</returns>
    public async ValueTask<Permit?> EnterAsync(CancellationToken cancellationToken)
    {
        if (!_batches.Wait(0, CancellationToken.None) && !await WaitAsync(cancellationToken))
        {
            _metrics.Refused();
            return null;
        }

        _metrics.Entered();
        return new Permit(this);
    }

    public void Dispose() => _batches.Dispose();

    private async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Interlocked.Increment(ref _waiting) <= options.Value.MaxBatchesInFlight * WaitingPerBatch
                && await _batches.WaitAsync(options.Value.MaxWaitMilliseconds, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>One batch in flight, and the bytes of it that have been read.</summary>
    internal sealed class Permit(IngestGate gate) : IDisposable
    {
        private long _held;

        /// <returns>False when so many more bytes would be too many for the replica.</returns>
        public bool TryTake(int bytes)
        {
            _held += bytes;
            if (Interlocked.Add(ref gate._bytes, bytes) <= gate._maxBytes)
            {
                return true;
            }

            gate._metrics.Refused();
            return false;
        }

        public void Dispose()
        {
            Interlocked.Add(ref gate._bytes, -_held);
            gate._batches.Release();
            gate._metrics.Left();
        }
    }
}
