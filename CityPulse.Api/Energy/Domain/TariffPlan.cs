namespace CityPulse.Api.Energy.Domain;

/// <summary>A price per kWh and when it holds, in the building's local time.</summary>
/// <param name="Months">1 to 12; null for all.</param>
/// <param name="Weekdays">1 (Monday) to 7; null for all.</param>
/// <param name="FromMinute">Minutes after midnight; null is 0.</param>
/// <param name="ToMinute">Exclusive, up to 1440; null is 1440. At or below <paramref name="FromMinute"/> the window crosses midnight.</param>
internal sealed record EnergyRate(decimal PricePerKWh, int[]? Months, int[]? Weekdays, int? FromMinute, int? ToMinute)
{
    public const int DayMinutes = 24 * 60;

    /// <summary>
    /// Month and weekday are those of the moment itself: of a window from 22:00 to 06:00 on Fridays, the hours after midnight are
    /// Friday's own, not Saturday's.
    /// </summary>
    public bool Fits(DateTime local)
    {
        var weekday = local.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)local.DayOfWeek;
        if (Months?.Contains(local.Month) == false || Weekdays?.Contains(weekday) == false)
        {
            return false;
        }

        var ticks = local.TimeOfDay.Ticks;
        var from = (FromMinute ?? 0) * TimeSpan.TicksPerMinute;
        var to = (ToMinute ?? DayMinutes) * TimeSpan.TicksPerMinute;
        return from < to ? ticks >= from && ticks < to : ticks >= from || ticks < to;
    }
}

/// <summary>What a tariff says from a local day on, until the next terms begin.</summary>
/// <param name="ValidFrom">Null: since ever.</param>
internal sealed record TariffTerms(DateOnly? ValidFrom, IReadOnlyList<EnergyRate> EnergyRates, decimal? DemandChargePerKw)
{
    /// <summary>The first rate that fits counts; null when none does.</summary>
    public int? RateAt(DateTime local)
    {
        for (var i = 0; i < EnergyRates.Count; i++)
        {
            if (EnergyRates[i].Fits(local))
            {
                return i;
            }
        }

        return null;
    }
}

/// <summary>A tariff over time: its terms, in the order in which they became valid.</summary>
internal sealed class TariffPlan
{
    private readonly IReadOnlyList<TariffTerms> _terms;
    private readonly int[] _boundaries;
    private readonly int[] _firstRate;

    public TariffPlan(IReadOnlyList<TariffTerms> terms)
    {
        _terms = terms;
        _boundaries = [.. terms.SelectMany(t => t.EnergyRates)
            .SelectMany(r => new[] { r.FromMinute ?? 0, r.ToMinute ?? EnergyRate.DayMinutes })
            .Append(0).Where(m => m < EnergyRate.DayMinutes).Distinct().Order()];
        _firstRate = new int[terms.Count];
        for (var i = 1; i < terms.Count; i++)
        {
            _firstRate[i] = _firstRate[i - 1] + terms[i - 1].EnergyRates.Count;
        }
    }

    /// <summary>The terms of one day, for all days: how a period would be priced by them.</summary>
    public TariffPlan AsOf(DateOnly day) => TermsOn(day) is { } terms ? new([terms with { ValidFrom = null }]) : new([]);

    public TariffTerms? TermsOn(DateOnly day) => IndexOn(day) is var index and >= 0 ? _terms[index] : null;

    public bool HasDemandCharge => _terms.Any(t => t.DemandChargePerKw > 0);

    /// <summary>A rate by its number in a <see cref="Schedule"/>.</summary>
    public (TariffTerms Terms, EnergyRate Rate) this[int number]
    {
        get
        {
            var terms = Array.FindLastIndex(_firstRate, first => first <= number);
            return (_terms[terms], _terms[terms].EnergyRates[number - _firstRate[terms]]);
        }
    }

    /// <summary>Which rate holds when, exact through changes of the clocks: an hour that comes twice is priced twice by its wall clock.</summary>
    public StepSchedule Schedule(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone) => new(Changes(from, to, zone));

    private IEnumerable<(long At, int What)> Changes(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var edges = new SortedSet<long>();
        for (var day = CivilTime.DayOf(from, zone); ; day = day.AddDays(1))
        {
            var (start, next) = (CivilTime.StartOf(day, zone), CivilTime.StartOf(day.AddDays(1), zone));
            if (start >= to)
            {
                yield break;
            }

            if (next <= start)
            {
                continue; // A place that changed sides of the date line left this day out.
            }

            var (before, after) = (zone.GetUtcOffset(start), zone.GetUtcOffset(next.AddTicks(-1)));
            var midnight = day.ToDateTime(TimeOnly.MinValue).Ticks;
            edges.Clear();
            edges.Add(start.UtcTicks);
            foreach (var minute in _boundaries)
            {
                var local = midnight + (minute * TimeSpan.TicksPerMinute);
                edges.Add(local - before.Ticks);
                edges.Add(local - after.Ticks);
            }

            if (before != after)
            {
                edges.Add(CivilTime.ChangeBetween(start, next, zone).UtcTicks);
            }

            var terms = IndexOn(day);
            foreach (var edge in edges.GetViewBetween(start.UtcTicks, next.UtcTicks - 1))
            {
                var offset = before == after ? before : zone.GetUtcOffset(new DateTime(edge, DateTimeKind.Utc));
                var rate = terms < 0 ? null : _terms[terms].RateAt(new DateTime(edge + offset.Ticks));
                yield return (edge, rate is { } r ? _firstRate[terms] + r : StepSchedule.None);
            }
        }
    }

    private int IndexOn(DateOnly day)
    {
        var index = _terms.Count - 1;
        while (index >= 0 && _terms[index].ValidFrom > day)
        {
            index--;
        }

        return index;
    }
}
