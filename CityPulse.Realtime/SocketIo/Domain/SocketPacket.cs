using System.Buffers.Text;
using System.Text;

namespace CityPulse.Realtime.SocketIo.Domain;

internal enum PacketKind
{
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
    BinaryEvent,
    BinaryAck,
}

/// <summary>
/// One packet of the Socket.IO protocol, revision 5: the kind's digit, for binary kinds the number of attachments and
/// <c>-</c>, a namespace other than <c>/</c> and <c>,</c>, the number of an acknowledgement, and JSON. All but the kind may
/// be missing.
/// </summary>
internal readonly record struct SocketPacket(PacketKind Kind, string Namespace, long? AckId, ReadOnlyMemory<byte> Json)
{
    public const string Root = "/";
    private const int LongestNamespace = 256;

    public static bool TryParse(ReadOnlyMemory<byte> text, out SocketPacket packet)
    {
        packet = default;
        if (text.IsEmpty || text.Span[0] is < (byte)'0' or > (byte)'6')
        {
            return false;
        }

        var kind = (PacketKind)(text.Span[0] - '0');
        text = text[1..];
        if (kind is PacketKind.BinaryEvent or PacketKind.BinaryAck)
        {
            if (!TryReadNumber(ref text, out _) || text.IsEmpty || text.Span[0] != '-')
            {
                return false;
            }

            text = text[1..];
        }

        var name = Root;
        if (!text.IsEmpty && text.Span[0] == '/')
        {
            var end = text.Span.IndexOf((byte)',');
            var length = end < 0 ? text.Length : end;
            if (length > LongestNamespace)
            {
                return false;
            }

            // What follows a question mark is a query of old clients.
            name = Encoding.UTF8.GetString(text.Span[..length]).Split('?')[0];
            text = end < 0 ? default : text[(end + 1)..];
        }

        long? ackId = null;
        if (!text.IsEmpty && char.IsAsciiDigit((char)text.Span[0]))
        {
            if (!TryReadNumber(ref text, out var id))
            {
                return false;
            }

            ackId = id;
        }

        packet = new SocketPacket(kind, name, ackId, text);
        return true;
    }

    private static bool TryReadNumber(ref ReadOnlyMemory<byte> text, out long number)
    {
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit((char)text.Span[digits]))
        {
            digits++;
        }

        if (!Utf8Parser.TryParse(text.Span[..digits], out number, out var read) || read != digits)
        {
            return false;
        }

        text = text[digits..];
        return true;
    }
}
