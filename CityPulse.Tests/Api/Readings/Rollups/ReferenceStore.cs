using CityPulse.Tests.Support;

namespace CityPulse.Tests.Api.Readings.Rollups;

/// <summary>One bucket as the contract defines it.</summary>
internal sealed record ReferenceBucket(DateTimeOffset At, double Sum, double Min, double Max, int Count, double First, double Last);

/// <summary>
/// What a store of readings must answer, the slow and simple way: all readings in a list, every answer computed from it. Shares no
/// code with what it judges.
/// </summary>
internal sealed class ReferenceStore(string timeZone)
{
    private readonly SortedDictionary<DateTimeOffset, double> _readings = [];
    /// <summary>Months whose readings were given up, with what their aggregates are made of for good.</summary>
    private readonly SortedDictionary<DateTimeOffset, (DateTimeOffset At, double Value)[]> _sealed = [];

    public string TimeZone { get; set; } = timeZone;

    public IReadOnlyCollection<DateTimeOffset> Times => _readings.Keys;

    public void Write(DateTimeOffset at, double value) => _readings[at] = value;

    /// <summary>Gives up the readings of every month that ends at or before <paramref name="cutoff"/>.</summary>
    public void GiveUp(DateTimeOffset cutoff)
    {
        foreach (var month in _readings.Keys.Select(MonthOf).Distinct().Where(m => m.AddMonths(1) <= cutoff).ToList())
        {
            var rows = _readings.Where(r => MonthOf(r.Key) == month).Select(r => (r.Key, r.Value)).ToArray();
            _sealed.TryAdd(month, rows);
            foreach (var (at, _) in rows)
            {
                _readings.Remove(at);
            }
        }
    }

    public List<(DateTimeOffset At, double Value)> Raw(DateTimeOffset from, DateTimeOffset to) =>
        [.. _readings.Where(r => r.Key >= from && r.Key < to).Select(r => (r.Key, r.Value))];

    public List<ReferenceBucket> Buckets(string resolution, DateTimeOffset from, DateTimeOffset to)
    {
        var isRolledUp = resolution is "1h" or "1d";
        var zone = TimeZoneInfo.FindSystemTimeZoneById(TimeZone);
        // In a month that was given up an hour is one thing: it lies in the period when its beginning does.
        var rows = _readings.Where(r => !isRolledUp || !_sealed.ContainsKey(MonthOf(r.Key))).Select(r => (At: r.Key, r.Value))
            .Where(r => r.At >= from && r.At < to)
            .Concat(isRolledUp ? _sealed.Values.SelectMany(rows => rows).Where(r => HourOf(r.At) >= from && HourOf(r.At) < to) : []);
        return
        [
            .. rows.OrderBy(r => r.At).GroupBy(r => StartOf(r.At)).Select(g => new ReferenceBucket(
                g.Key, Exactly.Sum(g.Select(r => r.Value)), g.Min(r => r.Value), g.Max(r => r.Value), g.Count(), g.First().Value, g.Last().Value)),
        ];

        DateTimeOffset StartOf(DateTimeOffset at)
        {
            var ticks = resolution switch { "1m" => TimeSpan.TicksPerMinute, "15m" => 15 * TimeSpan.TicksPerMinute, "1h" => TimeSpan.TicksPerHour, _ => 0 };
            if (ticks > 0)
            {
                return new DateTimeOffset(at.UtcTicks - (at.UtcTicks % ticks), TimeSpan.Zero);
            }

            // The zones of these tests change clocks at night, but never at midnight.
            var midnight = TimeZoneInfo.ConvertTime(at, zone).Date;
            return new DateTimeOffset(midnight, zone.GetUtcOffset(midnight)).ToUniversalTime();
        }
    }

    private static DateTimeOffset HourOf(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);

    private static DateTimeOffset MonthOf(DateTimeOffset at) => new(at.UtcDateTime.Year, at.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);
}
