using System.Buffers;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>A buffer whose size is known before, from the shared pool.</summary>
internal sealed class PooledBuffer(int capacity) : IBufferWriter<byte>, IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity);
    private int _used;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _used);

    public void Advance(int count) => _used += count;

    public Memory<byte> GetMemory(int sizeHint = 0) => Room(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => Room(sizeHint).Span;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private Memory<byte> Room(int sizeHint) => _bytes.Length - _used >= Math.Max(1, sizeHint)
        ? _bytes.AsMemory(_used)
        : throw new InvalidOperationException("The buffer was made too small for what is written into it.");
}
