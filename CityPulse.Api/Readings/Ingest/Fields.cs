using System.Buffers.Text;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>The texts of a row's members, whatever the format around them.</summary>
internal static class Fields
{
    /// <summary>Longer than any time or quality that can be meant.</summary>
    public const int MaxShortText = 64;

    public static RowFault ReadTime(ReadOnlySpan<byte> text, out long microseconds, out bool withoutOffset)
    {
        var outcome = Timestamp.TryParse(text, out microseconds);
        withoutOffset = outcome == Timestamp.Outcome.WithoutOffset;
        return outcome == Timestamp.Outcome.Good ? RowFault.None : RowFault.InvalidTime;
    }

    public static bool TryReadQuality(ReadOnlySpan<byte> text, out ReadingQuality quality)
    {
        quality = text switch
        {
            _ when text.SequenceEqual("good"u8) => ReadingQuality.Good,
            _ when text.SequenceEqual("uncertain"u8) => ReadingQuality.Uncertain,
            _ when text.SequenceEqual("bad"u8) => ReadingQuality.Bad,
            _ => (ReadingQuality)byte.MaxValue,
        };
        return quality != (ReadingQuality)byte.MaxValue;
    }

    /// <summary>Numbers as JSON and spreadsheets write them; too large ones become infinite.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> text, out double value) =>
        Utf8Parser.TryParse(text, out value, out var read) && read == text.Length && text.Length > 0;

    /// <summary>The spellings in which programs write what is no finite number.</summary>
    public static bool IsNotFinite(ReadOnlySpan<byte> text)
    {
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+')
        {
            text = text[1..];
        }

        return text.Length switch
        {
            3 => System.Text.Ascii.EqualsIgnoreCase(text, "nan"u8) || System.Text.Ascii.EqualsIgnoreCase(text, "inf"u8),
            8 => System.Text.Ascii.EqualsIgnoreCase(text, "infinity"u8),
            _ => false,
        };
    }

    public static string TimeDetail(string quoted, bool withoutOffset) => withoutOffset
        ? $"The time {quoted} has no offset; end it with Z or, say, +01:00."
        : $"{quoted} is no RFC 3339 time such as 2026-01-31T12:00:00Z.";

    public static string QualityDetail(string quoted) => $"The quality {quoted} is none of good, uncertain, bad.";
}
