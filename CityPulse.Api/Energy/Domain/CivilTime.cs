namespace CityPulse.Api.Energy.Domain;

/// <summary>Days and months as people live them: in a place's time zone, with 23 or 25 hours where clocks change.</summary>
internal static class CivilTime
{
    /// <summary>
    /// The first instant of a local day. Where clocks jump at midnight, that is not 00:00; a day that a place left out to
    /// change sides of the date line begins, and ends, with the next one.
    /// </summary>
    public static DateTimeOffset StartOf(DateOnly day, TimeZoneInfo zone)
    {
        var (start, next) = (Midnight(day, zone), Midnight(day.AddDays(1), zone));
        return start < next ? start : next;
    }

    private static DateTimeOffset Midnight(DateOnly day, TimeZoneInfo zone)
    {
        var local = day.ToDateTime(TimeOnly.MinValue);
        while (zone.IsInvalidTime(local))
        {
            local = local.AddMinutes(15);
        }

        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset).ToUniversalTime();
    }

    public static DateOnly DayOf(DateTimeOffset at, TimeZoneInfo zone) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime);

    /// <summary>When the offset changes between two instants that have different ones, to the tick.</summary>
    public static DateTimeOffset ChangeBetween(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var (low, high, old) = (from.UtcTicks, to.UtcTicks - 1, zone.GetUtcOffset(from));
        while (high - low > 1)
        {
            var middle = low + ((high - low) / 2);
            if (zone.GetUtcOffset(new DateTime(middle, DateTimeKind.Utc)) == old)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        return new DateTimeOffset(high, TimeSpan.Zero);
    }
}
