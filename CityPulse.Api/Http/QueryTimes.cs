using System.Globalization;

namespace CityPulse.Api.Http;

/// <summary>Times in a query, such as <c>from</c> and <c>to</c>.</summary>
internal static class QueryTimes
{
    public static string Expected(string name) => $"{name} must be a time with an offset, such as 2026-10-01T00:00:00Z, from 1970 to 2199.";

    /// <summary>
    /// Reads a time that says its offset, as UTC; without one it would be read in the server's zone. The formats name every part, so that
    /// nothing is guessed. The + of an offset that was not written as %2B arrives as a space, and can be nothing else.
    /// </summary>
    public static bool TryParse(string text, out DateTimeOffset at)
    {
        var plain = text is [.., ' ', _, _, ':', _, _] ? string.Concat(text.AsSpan(0, text.Length - 6), "+", text.AsSpan(text.Length - 5)) : text;
        return DateTimeOffset.TryParseExact(
                plain.ToUpperInvariant(), ["yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-ddTHH:mmK"], CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at)
            && (plain[^1] is 'Z' or 'z' || plain.LastIndexOfAny(['+', '-']) > "yyyy-MM-dd".Length)
            && at.Year is >= 1970 and < 2200;
    }
}
