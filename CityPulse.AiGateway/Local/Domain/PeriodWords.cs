using System.Globalization;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>Says a period so that nobody has to guess which days it has.</summary>
internal static class PeriodWords
{
    public static string Describe(Period period, TimeZoneInfo zone, Language language)
    {
        var culture = language == Language.German ? CultureInfo.GetCultureInfo("de-DE") : CultureInfo.InvariantCulture;
        var (from, to) = (TimeZoneInfo.ConvertTime(period.From, zone), TimeZoneInfo.ConvertTime(period.To, zone));
        var (first, end) = (DateOnly.FromDateTime(from.DateTime), DateOnly.FromDateTime(to.DateTime));
        if (CivilTime.StartOf(first, zone) != period.From || CivilTime.StartOf(end, zone) != period.To)
        {
            return language == Language.German
                ? $"{from:yyyy-MM-dd HH:mm} bis {to:yyyy-MM-dd HH:mm}"
                : $"{from:yyyy-MM-dd HH:mm} to {to:yyyy-MM-dd HH:mm}";
        }

        return first switch
        {
            _ when first.AddDays(1) == end => first.ToString("yyyy-MM-dd", culture),
            { Day: 1 } when first.AddMonths(1) == end => first.ToString("MMMM yyyy", culture),
            { Day: 1, Month: 1 } when first.AddYears(1) == end => first.ToString("yyyy", culture),
            _ => language == Language.German
                ? $"{first:yyyy-MM-dd} bis {end.AddDays(-1):yyyy-MM-dd}"
                : $"{first:yyyy-MM-dd} to {end.AddDays(-1):yyyy-MM-dd}",
        };
    }
}
