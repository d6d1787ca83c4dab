using System.Collections.Concurrent;

namespace CityPulse.Api.Readings.Domain;

/// <summary>
/// How long the rollups of a sensor are: an hour of UTC, or the half or quarter of it where the building's days begin at other times
/// than full hours of UTC. So hours and days are made of whole rollups everywhere.
/// </summary>
internal readonly record struct RollupGrid(long StepMicroseconds)
{
    public const long Hour = 60 * Minute;
    private const long Minute = 60_000_000;
    private static readonly ConcurrentDictionary<string, RollupGrid> Known = new(StringComparer.Ordinal);

    public static RollupGrid For(TimeZoneInfo zone) => Known.GetOrAdd(zone.Id, static (_, zone) => Find(zone), zone);

    /// <summary>The beginning of the rollup that holds an instant.</summary>
    public long StartOf(long at) => Floor(at, StepMicroseconds);

    /// <summary>The first beginning at or after an instant.</summary>
    public long Ceiling(long at) => Floor(at + StepMicroseconds - 1, StepMicroseconds);

    public static long HourOf(long at) => Floor(at, Hour);

    private static long Floor(long at, long step) => at - (((at % step) + step) % step);

    /// <summary>By every offset that the zone has had since readings can be, or will have. No zone keeps one for less than a week.</summary>
    private static RollupGrid Find(TimeZoneInfo zone)
    {
        var minutes = 60;
        for (var day = new DateTime(1999, 12, 1, 0, 0, 0, DateTimeKind.Utc); day.Year < 2070; day = day.AddDays(5))
        {
            var offset = (int)zone.GetUtcOffset(day).TotalMinutes;
            while (offset % minutes != 0)
            {
                minutes = minutes switch { 60 => 30, 30 => 15, _ => 1 };
            }
        }

        return new RollupGrid(minutes * Minute);
    }
}
