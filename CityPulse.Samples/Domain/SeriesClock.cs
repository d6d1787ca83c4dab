using System.Globalization;

namespace CityPulse.Samples.Domain;

/// <summary>
/// How a recording of the past is laid over the present. The recording moves by a whole number of weeks, so that weekdays stay
/// weekdays; one of a year or more moves by multiples of 52 weeks, so that winter stays winter too. When it ends, its last
/// <see cref="RepeatDays"/> days come again, for ever. Series that belong together (a meter and its outdoor temperature) share a clock.
/// </summary>
/// <param name="First">Civil time of the first row.</param>
/// <param name="Last">Civil time of the last row.</param>
/// <param name="ShiftWeeks">Weeks from the recorded to the shown time.</param>
internal readonly record struct SeriesClock(DateTime First, DateTime Last, int ShiftWeeks)
{
    private const int DaysPerSeasonalYear = 364;
    private const int LeastHistoryDays = 371;
    private const string TagPrefix = "shifted-";
    private const string TagSuffix = "-weeks";

    public int RepeatDays => RepeatDaysOf(First, Last);

    public string Tag => string.Create(CultureInfo.InvariantCulture, $"{TagPrefix}{ShiftWeeks}{TagSuffix}");

    /// <summary>The least shift that lets the recording run on past <paramref name="now"/>, unless that would leave a long one with less than a year behind it.</summary>
    public static SeriesClock Choose(DateTime first, DateTime last, DateTime now)
    {
        var stepDays = last - first >= TimeSpan.FromDays(DaysPerSeasonalYear) ? DaysPerSeasonalYear : 7;
        var steps = (int)Math.Floor((now - last).TotalDays / stepDays) + 1;
        if (stepDays == DaysPerSeasonalYear && now - first.AddDays(steps * stepDays) < TimeSpan.FromDays(LeastHistoryDays))
        {
            steps--;
        }

        return new SeriesClock(first, last, steps * stepDays / 7);
    }

    /// <summary>Reads the weeks back from a sensor's tags: a later start must lay the recording exactly where the first one did.</summary>
    public static int? ShiftWeeksOf(IEnumerable<string> tags)
    {
        foreach (var tag in tags)
        {
            if (tag.StartsWith(TagPrefix, StringComparison.Ordinal) && tag.EndsWith(TagSuffix, StringComparison.Ordinal)
                && int.TryParse(tag[TagPrefix.Length..^TagSuffix.Length], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var weeks))
            {
                return weeks;
            }
        }

        return null;
    }

    private static int RepeatDaysOf(DateTime first, DateTime last)
    {
        var days = (int)(last - first).TotalDays;
        return days >= DaysPerSeasonalYear ? DaysPerSeasonalYear : Math.Max(7, days / 7 * 7);
    }
}
