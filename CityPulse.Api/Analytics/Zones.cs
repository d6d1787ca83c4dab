namespace CityPulse.Api.Analytics;

internal static class Zones
{
    /// <summary>The zone of buildings that all lie in one; UTC where they do not, as in the energy of a portfolio.</summary>
    public static TimeZoneInfo CommonOf(IEnumerable<string> zones)
    {
        var some = zones.Distinct().Take(2).ToList();
        return some.Count == 1 ? TimeZoneInfo.FindSystemTimeZoneById(some[0]) : TimeZoneInfo.Utc;
    }
}
