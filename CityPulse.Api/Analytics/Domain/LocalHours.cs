namespace CityPulse.Api.Analytics.Domain;

/// <summary>One hour as a place's clock counts it.</summary>
/// <param name="Start">UTC ticks.</param>
/// <param name="Index">Hour of the week; Monday 0:00 is 0.</param>
internal readonly record struct LocalHour(long Start, int Index)
{
    /// <summary>Hours since Monday 0:00, with their fraction.</summary>
    public double HoursOfWeek(long ticks) => Index + ((double)(ticks - Start) / TimeSpan.TicksPerHour);
}

/// <summary>Finds local hours; the zone is asked once a quarter hour, since no clock changes within one.</summary>
internal sealed class LocalHours(TimeZoneInfo zone)
{
    private const long QuarterHour = TimeSpan.TicksPerHour / 4;
    private long _quarter = -1;
    private LocalHour _hour;

    public LocalHour Of(long ticks)
    {
        var quarter = ticks / QuarterHour;
        if (quarter != _quarter)
        {
            _quarter = quarter;
            var start = quarter * QuarterHour;
            var offset = zone.GetUtcOffset(new DateTimeOffset(start, TimeSpan.Zero)).Ticks;
            var local = start + offset;
            var hour = local - (local % TimeSpan.TicksPerHour);
            // 1 January 0001 was a Monday.
            _hour = new LocalHour(hour - offset, (int)(hour / TimeSpan.TicksPerHour % SeasonalShape.Hours));
        }

        return _hour;
    }
}

/// <summary>A mean that grows by one value at a time; divides before it adds, so that no sum can overflow.</summary>
internal struct RunningMean
{
    public int Count { get; private set; }

    public double Mean { get; private set; }

    public void Add(double value)
    {
        Count++;
        Mean += (value - Mean) / Count;
    }

    public readonly void Save(BinaryWriter writer)
    {
        writer.Write(Count);
        writer.Write(Mean);
    }

    public static RunningMean Load(BinaryReader reader) => new() { Count = reader.ReadInt32(), Mean = reader.ReadDouble() };
}
