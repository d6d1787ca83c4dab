namespace CityPulse.Api.Energy.Domain;

/// <summary>Makes what a baseline is fitted to out of energy and weather.</summary>
internal static class Observations
{
    /// <summary>A day that is less known is left out; one that is known well enough counts as if it went on alike.</summary>
    private const double LeastCoverage = 0.9;
    private const double LeastShareOfMonth = 0.9;

    /// <summary>Whole local days of which energy and weather are known.</summary>
    public static List<BaselineObservation> OfDays(
        BucketGrid grid, EnergyTally tally, IReadOnlyDictionary<DateOnly, WeatherDay> weather, TimeZoneInfo zone)
    {
        var observations = new List<BaselineObservation>();
        for (var i = 0; i < grid.Count; i++)
        {
            var (from, to) = grid[i];
            var day = CivilTime.DayOf(grid.StartOf(i), zone);
            var whole = grid.StartOf(i).UtcTicks == from && CivilTime.StartOf(day.AddDays(1), zone).UtcTicks == to;
            var figure = tally[i];
            if (whole && figure.Coverage >= LeastCoverage && weather.TryGetValue(day, out var known))
            {
                observations.Add(new BaselineObservation(day, figure.KWh / figure.Coverage, [known]));
            }
        }

        return observations;
    }

    /// <summary>Calendar months of which most days are known; the month's energy is that of its known days.</summary>
    public static List<BaselineObservation> OfMonths(List<BaselineObservation> days) =>
    [
        .. days.GroupBy(o => new DateOnly(o.From.Year, o.From.Month, 1))
            .Where(m => m.Count() >= LeastShareOfMonth * DateTime.DaysInMonth(m.Key.Year, m.Key.Month))
            .Select(m => new BaselineObservation(m.Key, m.Sum(o => o.KWh), [.. m.SelectMany(o => o.Days)])),
    ];

    /// <summary>Bills that lie in the period whole, from the local day on which they begin to the one before they end.</summary>
    public static List<BaselineObservation> OfBills(
        IReadOnlyList<EnergySegment> bills, DateTimeOffset from, DateTimeOffset to, IReadOnlyDictionary<DateOnly, WeatherDay> weather, TimeZoneInfo zone)
    {
        var observations = new List<BaselineObservation>();
        foreach (var bill in bills.Where(b => b.From >= from.UtcTicks && b.To <= to.UtcTicks))
        {
            var first = CivilTime.DayOf(new DateTimeOffset(bill.From, TimeSpan.Zero), zone);
            var days = CivilTime.DayOf(new DateTimeOffset(bill.To, TimeSpan.Zero), zone).DayNumber - first.DayNumber;
            WeatherDay[] known = [.. Enumerable.Range(0, Math.Max(0, days)).Select(i => weather.GetValueOrDefault(first.AddDays(i))).OfType<WeatherDay>()];
            if (known.Length > 0 && known.Length >= LeastShareOfMonth * days)
            {
                observations.Add(new BaselineObservation(first, bill.KWh * known.Length / days, known));
            }
        }

        return observations;
    }
}
