using System.Text;

namespace CityPulse.Contracts;

/// <summary>
/// One row of the outbox as it travels from Api to Realtime: something that happened in one organisation, after its
/// commit. <see cref="Position"/> is its place in the one order of the outbox, <see cref="Previous"/> the place of the
/// record before it (of any organisation), so that a receiver notices what it missed.
/// </summary>
/// <param name="Topics">The topics that carry <paramref name="Data"/>; empty for readings, whose topics follow from the batch.</param>
/// <param name="Data">UTF-8 JSON of the event's <c>data</c>; for <see cref="ReadingsType"/> a <see cref="ReadingBatch"/>.</param>
public sealed record StreamRecord(
    long Position,
    long Previous,
    Guid OrganizationId,
    DateTimeOffset At,
    string Type,
    string[] Topics,
    ReadOnlyMemory<byte> Data)
{
    public const string ReadingsType = "readings";

    /// <summary>Redis channel of an organisation's records.</summary>
    public static string Channel(Guid organizationId) => $"citypulse:stream:{organizationId:N}";

    /// <summary>Redis pattern that matches every organisation's channel.</summary>
    public const string ChannelPattern = "citypulse:stream:*";

    public byte[] ToBytes()
    {
        using var buffer = new MemoryStream(Data.Length + 128);
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        writer.Write(Position);
        writer.Write(Previous);
        Span<byte> organization = stackalloc byte[16];
        OrganizationId.TryWriteBytes(organization, bigEndian: true, out _);
        writer.Write(organization);
        writer.Write(At.UtcTicks);
        writer.Write(Type);
        writer.Write7BitEncodedInt(Topics.Length);
        foreach (var topic in Topics)
        {
            writer.Write(topic);
        }

        writer.Write7BitEncodedInt(Data.Length);
        writer.Write(Data.Span);
        writer.Flush();
        return buffer.ToArray();
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    /// <exception cref="InvalidDataException">The bytes are no record.</exception>
    public static StreamRecord FromBytes(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(bytes.ToArray(), writable: false), Encoding.UTF8);
            var position = reader.ReadInt64();
            var previous = reader.ReadInt64();
            var organization = new Guid(reader.ReadBytes(16), bigEndian: true);
            var at = new DateTimeOffset(reader.ReadInt64(), TimeSpan.Zero);
            var type = reader.ReadString();
            var topics = new string[reader.Read7BitEncodedInt()];
            for (var i = 0; i < topics.Length; i++)
            {
                topics[i] = reader.ReadString();
            }

            return new StreamRecord(position, previous, organization, at, type, topics, reader.ReadBytes(reader.Read7BitEncodedInt()));
        }
        catch (Exception e) when (e is EndOfStreamException or ArgumentException or FormatException or OverflowException)
        {
            throw new InvalidDataException("The bytes are no stream record.", e);
        }
    }

}
