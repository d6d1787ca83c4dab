using System.Globalization;

namespace CityPulse.Realtime.Feed;

/// <summary>Times as the contract writes them: UTC, <c>Z</c>, as many decimals as they need (at most microseconds).</summary>
internal static class Rfc3339
{
    private const string WithoutFraction = "yyyy-MM-ddTHH:mm:ssZ";
    private const string WithFraction = "yyyy-MM-ddTHH:mm:ss.FFFFFFZ";

    public const int MaxLength = 32;

    public static string Format(DateTimeOffset time) => new(Format(time, stackalloc char[MaxLength]));

    /// <summary>Writes into <paramref name="buffer"/>, for loops over many times.</summary>
    public static ReadOnlySpan<char> Format(DateTimeOffset time, Span<char> buffer)
    {
        var utc = time.UtcDateTime;
        var format = utc.Ticks % TimeSpan.TicksPerSecond < TimeSpan.TicksPerMicrosecond ? WithoutFraction : WithFraction;
        utc.TryFormat(buffer, out var length, format, CultureInfo.InvariantCulture);
        return buffer[..length];
    }
}
