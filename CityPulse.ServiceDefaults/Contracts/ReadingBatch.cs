using System.Buffers;
using System.Buffers.Binary;

namespace CityPulse.Contracts;

/// <summary>
/// The stored readings of one batch, packed for the outbox: blocks of one sensor each, times as differences.
/// About ten bytes a reading, where JSON takes a hundred. Times are microseconds since 1970-01-01Z, the database's own precision.
/// </summary>
public static class ReadingBatch
{
    /// <summary>One sensor's readings of a batch.</summary>
    public readonly record struct Block(Guid SensorId, Guid BuildingId, ReadOnlyMemory<Point> Points);

    /// <summary>One value at one time (microseconds since 1970-01-01Z).</summary>
    public readonly record struct Point(long AtMicroseconds, double Value)
    {
        public DateTimeOffset At => DateTimeOffset.UnixEpoch.AddTicks(AtMicroseconds * 10);
    }

    /// <summary>Appends one sensor's readings; call it once a sensor of the batch.</summary>
    public static void WriteBlock(IBufferWriter<byte> output, Guid sensorId, Guid buildingId, ReadOnlySpan<Point> points)
    {
        var span = output.GetSpan(32 + 10);
        sensorId.TryWriteBytes(span, bigEndian: true, out _);
        buildingId.TryWriteBytes(span[16..], bigEndian: true, out _);
        output.Advance(32 + WriteVarint(span[32..], (ulong)points.Length));

        var previous = 0L;
        foreach (var point in points)
        {
            span = output.GetSpan(18);
            var written = WriteVarint(span, ZigZag(point.AtMicroseconds - previous));
            BinaryPrimitives.WriteDoubleLittleEndian(span[written..], point.Value);
            output.Advance(written + 8);
            previous = point.AtMicroseconds;
        }
    }

    /// <summary>All blocks of a batch, in the order they were written.</summary>
    /// <exception cref="InvalidDataException">The bytes are no batch.</exception>
    public static List<Block> Read(ReadOnlySpan<byte> data)
    {
        var blocks = new List<Block>();
        while (!data.IsEmpty)
        {
            if (data.Length < 32)
            {
                throw new InvalidDataException("A block of readings ends too early.");
            }

            var sensorId = new Guid(data[..16], bigEndian: true);
            var buildingId = new Guid(data.Slice(16, 16), bigEndian: true);
            data = data[32..];
            var announced = ReadVarint(ref data);
            if (announced > (ulong)data.Length / 9)
            {
                throw new InvalidDataException("A block of readings announces more than it holds.");
            }

            var count = (int)announced;
            var points = new Point[count];
            var at = 0L;
            for (var i = 0; i < count; i++)
            {
                at += UnZigZag(ReadVarint(ref data));
                if (data.Length < 8)
                {
                    throw new InvalidDataException("A block of readings ends too early.");
                }

                points[i] = new Point(at, BinaryPrimitives.ReadDoubleLittleEndian(data));
                data = data[8..];
            }

            blocks.Add(new Block(sensorId, buildingId, points));
        }

        return blocks;
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private static int WriteVarint(Span<byte> span, ulong value)
    {
        var i = 0;
        while (value >= 0x80)
        {
            span[i++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[i++] = (byte)value;
        return i;
    }

    private static ulong ReadVarint(ref ReadOnlySpan<byte> data)
    {
        ulong value = 0;
        for (var i = 0; i < 10; i++)
        {
            if (i >= data.Length)
            {
                throw new InvalidDataException("A number in a batch of readings ends too early.");
            }

            value |= (ulong)(data[i] & 0x7f) << (7 * i);
            if (data[i] < 0x80)
            {
                data = data[(i + 1)..];
                return value;
            }
        }

        throw new InvalidDataException("A number in a batch of readings is too long.");
    }
}
