namespace CityPulse.Api.Energy.Domain;

/// <summary>The period that another one is compared with, by the calendar of a place.</summary>
internal static class EarlierPeriod
{
    /// <summary>As many local days before where the period is of whole days (which may then have an hour more or less), else as long before.</summary>
    public static (DateTimeOffset From, DateTimeOffset To) Previous(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var (first, last) = (CivilTime.DayOf(from, zone), CivilTime.DayOf(to, zone));
        return CivilTime.StartOf(first, zone) == from && CivilTime.StartOf(last, zone) == to && first < last
            ? (CivilTime.StartOf(first.AddDays(first.DayNumber - last.DayNumber), zone), from)
            : (from - (to - from), from);
    }

    /// <summary>The same local dates and times of the year before; 29 February becomes the 28th.</summary>
    public static (DateTimeOffset From, DateTimeOffset To) LastYear(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var (start, end) = (YearBefore(from, zone), YearBefore(to, zone));
        return start < end ? (start, end) : (end - (to - from), end);
    }

    private static DateTimeOffset YearBefore(DateTimeOffset at, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone).DateTime;
        var day = DateOnly.FromDateTime(local);
        if (CivilTime.StartOf(day, zone) == at)
        {
            return CivilTime.StartOf(day.AddYears(-1), zone);
        }

        // A time of day that the clocks skipped a year ago is read with the offset before the change.
        var then = local.AddYears(-1);
        var offset = zone.IsInvalidTime(then) ? zone.GetUtcOffset(then.AddDays(-1)) : zone.GetUtcOffset(then);
        return new DateTimeOffset(then, offset).ToUniversalTime();
    }
}
