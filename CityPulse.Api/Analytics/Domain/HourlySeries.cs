namespace CityPulse.Api.Analytics.Domain;

/// <summary>One value an hour, without holes in time; what is not known is NaN, and never leaves this namespace.</summary>
internal sealed class HourlySeries
{
    private readonly long[] _localHours;

    /// <param name="start">A full UTC hour.</param>
    /// <param name="zone">Of the building: habits follow its clock.</param>
    public HourlySeries(DateTimeOffset start, double[] values, TimeZoneInfo zone)
    {
        Start = start.ToUniversalTime();
        Values = values;
        _localHours = new long[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            _localHours[i] = LocalHour(TimeOf(i), zone);
        }
    }

    public DateTimeOffset Start { get; }

    public double[] Values { get; }

    public int Count => Values.Length;

    public double this[int hour] => hour >= 0 && hour < Values.Length ? Values[hour] : double.NaN;

    public DateTimeOffset TimeOf(int hour) => Start.AddHours(hour);

    /// <summary>The hour of the day on the place's clock, 0..23.</summary>
    public int HourOfDay(int hour) => (int)(_localHours[hour] % 24);

    /// <summary>The hour that the place's clock showed so many days before: 24 hours a day, one more or less where clocks changed.</summary>
    public int DaysBefore(int hour, int days)
    {
        var before = hour - (24 * days);
        return before < 0 ? -1 : before + (int)(_localHours[hour] - (24 * days) - _localHours[before]);
    }

    private static long LocalHour(DateTimeOffset at, TimeZoneInfo zone) => (at.UtcTicks + zone.GetUtcOffset(at).Ticks) / TimeSpan.TicksPerHour;
}
