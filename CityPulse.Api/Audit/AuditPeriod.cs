using System.Globalization;
using CityPulse.Api.Http;

namespace CityPulse.Api.Audit;

internal static class AuditPeriod
{
    /// <summary>A time with an offset; null when there is none, or it is wrong and <paramref name="check"/> says so.</summary>
    public static DateTimeOffset? Parse(Validator check, string path, string? text)
    {
        if (text is null)
        {
            return null;
        }

        var good = DateTimeOffset.TryParseExact(
                text, ["yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-ddTHH:mmK"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            && (text[^1] is 'Z' or 'z' || text.LastIndexOfAny(['+', '-']) > "yyyy-MM-dd".Length)
            && at.Year is >= 1970 and < 2200;
        return check.Check(good, path, $"{path} must be a time with an offset, such as 2026-10-01T00:00:00Z. Write the + of an offset as %2B.")
            ? at.ToUniversalTime()
            : null;
    }
}
