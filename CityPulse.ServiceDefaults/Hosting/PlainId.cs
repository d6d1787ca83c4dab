using System.Buffers.Binary;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>Ids that open nothing.</summary>
public static class PlainId
{
    /// <summary>
    /// A UUID of version 7 (RFC 9562), from the time and a generator that need not be unpredictable: the system's own random numbers cost a call
    /// of it for each id.
    /// </summary>
    public static Guid Create(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.Shared.NextBytes(bytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes, (now.ToUnixTimeMilliseconds() << 16) | 0x7000 | (BinaryPrimitives.ReadInt64BigEndian(bytes) & 0x0FFF));
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
