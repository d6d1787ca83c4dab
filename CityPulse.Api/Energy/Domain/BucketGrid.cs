namespace CityPulse.Api.Energy.Domain;

internal enum EnergyResolution
{
    QuarterHour,
    Hour,
    Day,
    Month,
}

internal static class EnergyResolutionNames
{
    public static string Name(this EnergyResolution resolution) => resolution switch
    {
        EnergyResolution.QuarterHour => "15m",
        EnergyResolution.Hour => "1h",
        EnergyResolution.Day => "1d",
        EnergyResolution.Month => "1mo",
        _ => throw new ArgumentOutOfRangeException(nameof(resolution)),
    };
}

/// <summary>
/// A period cut into buckets. Quarter hours and hours follow UTC, days and months the zone. The first and the last bucket may be cut
/// by the period: they keep the time at which they begin, and count only what lies in the period.
/// </summary>
internal sealed class BucketGrid
{
    public const int MaxBuckets = 20_000;

    private readonly long[] _edges;
    private readonly DateTimeOffset[] _starts;

    private BucketGrid(List<DateTimeOffset> starts, long from, long to)
    {
        _starts = [.. starts];
        _edges = [.. starts.Select(s => s.UtcTicks), to];
        _edges[0] = from;
    }

    public int Count => _starts.Length;

    public long From => _edges[0];

    public long To => _edges[^1];

    /// <summary>When the bucket begins, also where the period begins later.</summary>
    public DateTimeOffset StartOf(int bucket) => _starts[bucket];

    /// <summary>The part of the bucket within the period, in UTC ticks.</summary>
    public (long From, long To) this[int bucket] => (_edges[bucket], _edges[bucket + 1]);

    /// <summary>The bucket that holds <paramref name="at"/>, found by walking from where the last one was.</summary>
    public int Find(long at, int near)
    {
        while (_edges[near] > at)
        {
            near--;
        }

        while (_edges[near + 1] <= at)
        {
            near++;
        }

        return near;
    }

    /// <summary>The period as one bucket.</summary>
    public static BucketGrid Whole(DateTimeOffset from, DateTimeOffset to) => new([from.ToUniversalTime()], from.UtcTicks, to.UtcTicks);

    /// <summary>Blocks of so many minutes, which divide the hour and begin with it.</summary>
    public static BucketGrid Blocks(DateTimeOffset from, DateTimeOffset to, int minutes)
    {
        var starts = new List<DateTimeOffset>();
        for (var start = Floor(from, minutes * TimeSpan.TicksPerMinute); start < to; start = start.AddMinutes(minutes))
        {
            starts.Add(start);
        }

        return new BucketGrid(starts, from.UtcTicks, to.UtcTicks);
    }

    /// <summary>Null when the period has more buckets than <paramref name="maximum"/>.</summary>
    public static BucketGrid? Create(
        DateTimeOffset from, DateTimeOffset to, EnergyResolution resolution, TimeZoneInfo zone, int maximum = MaxBuckets)
    {
        var starts = new List<DateTimeOffset>();
        for (var start = First(from, resolution, zone); start < to; start = Next(start, resolution, zone))
        {
            if (starts.Count == maximum)
            {
                return null;
            }

            starts.Add(start);
        }

        return new BucketGrid(starts, from.UtcTicks, to.UtcTicks);
    }

    private static DateTimeOffset First(DateTimeOffset at, EnergyResolution resolution, TimeZoneInfo zone) => resolution switch
    {
        EnergyResolution.QuarterHour => Floor(at, TimeSpan.TicksPerHour / 4),
        EnergyResolution.Hour => Floor(at, TimeSpan.TicksPerHour),
        EnergyResolution.Day => CivilTime.StartOf(CivilTime.DayOf(at, zone), zone),
        EnergyResolution.Month => CivilTime.StartOf(FirstOfMonth(CivilTime.DayOf(at, zone)), zone),
        _ => throw new ArgumentOutOfRangeException(nameof(resolution)),
    };

    private static DateTimeOffset Next(DateTimeOffset start, EnergyResolution resolution, TimeZoneInfo zone)
    {
        switch (resolution)
        {
            case EnergyResolution.QuarterHour:
                return start.AddMinutes(15);
            case EnergyResolution.Hour:
                return start.AddHours(1);
            case EnergyResolution.Month:
                return CivilTime.StartOf(FirstOfMonth(CivilTime.DayOf(start, zone)).AddMonths(1), zone);
            default:
                // Islands have left out a whole day to change sides of the date line: skip days that take no time.
                var day = CivilTime.DayOf(start, zone);
                DateTimeOffset next;
                do
                {
                    day = day.AddDays(1);
                    next = CivilTime.StartOf(day, zone);
                }
                while (next <= start);
                return next;
        }
    }

    private static DateOnly FirstOfMonth(DateOnly day) => new(day.Year, day.Month, 1);

    private static DateTimeOffset Floor(DateTimeOffset at, long width) => new(at.UtcTicks - (at.UtcTicks % width), TimeSpan.Zero);
}
