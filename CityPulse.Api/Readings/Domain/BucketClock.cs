using CityPulse.Api.Energy.Domain;

namespace CityPulse.Api.Readings.Domain;

/// <summary>
/// Where buckets begin and end, in microseconds since 1970-01-01Z. Minutes, quarter hours and hours follow UTC, days the
/// building's zone: they have 23 or 25 hours where clocks change.
/// </summary>
internal sealed class BucketClock(Resolution resolution, TimeZoneInfo zone)
{
    public const int MaxBuckets = 20_000;
    private const long Minute = 60_000_000;

    private readonly long _width = resolution switch
    {
        Resolution.Minute => Minute,
        Resolution.QuarterHour => 15 * Minute,
        Resolution.Hour => 60 * Minute,
        Resolution.Day => 0,
        _ => throw new ArgumentOutOfRangeException(nameof(resolution), resolution, "Single readings have no buckets."),
    };

    /// <summary>The grid of the rollups that make up these buckets; null where buckets are shorter than rollups may be.</summary>
    public RollupGrid? Rollups { get; } = resolution is Resolution.Hour or Resolution.Day ? RollupGrid.For(zone) : null;

    /// <summary>The bucket that holds an instant: <c>[Start, End)</c>.</summary>
    public (long Start, long End) Find(long at)
    {
        if (_width > 0)
        {
            var start = at - Modulo(at, _width);
            return (start, start + _width);
        }

        // The date alone does not tell: clocks that go back over midnight show a date again when the next day has begun.
        var day = CivilTime.DayOf(Time(at), zone);
        while (StartOf(day) > at)
        {
            day = day.AddDays(-1);
        }

        while (StartOf(day.AddDays(1)) <= at)
        {
            day = day.AddDays(1);
        }

        return (StartOf(day), StartOf(day.AddDays(1)));
    }

    /// <summary>An edge about <paramref name="count"/> buckets (two or more) after an instant.</summary>
    public long Ahead(long at, int count) => _width > 0 ? Find(at).Start + (_width * count) : Find(at + (24 * 60 * Minute * count)).Start;

    /// <summary>An edge about <paramref name="count"/> buckets (two or more) before an instant.</summary>
    public long Back(long at, int count) => _width > 0 ? Find(at).End - (_width * count) : Find(at - (24 * 60 * Minute * count)).End;

    /// <summary>Whether <c>[from, to)</c> has more buckets than may be asked for.</summary>
    public bool HasTooMany(long from, long to)
    {
        var count = _width > 0
            ? ((Find(to - 1).End - Find(from).Start) / _width)
            : CivilTime.DayOf(Time(to - 1), zone).DayNumber - CivilTime.DayOf(Time(from), zone).DayNumber + 1;
        return count > MaxBuckets;
    }

    private long StartOf(DateOnly day) => Microseconds(CivilTime.StartOf(day, zone));

    private static DateTimeOffset Time(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    private static long Microseconds(DateTimeOffset time) => (time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    private static long Modulo(long number, long width) => ((number % width) + width) % width;
}
