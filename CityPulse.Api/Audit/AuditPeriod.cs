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

        return check.Check(QueryTimes.TryParse(text, out var at), path, QueryTimes.Expected(path)) ? at : null;
    }
}
