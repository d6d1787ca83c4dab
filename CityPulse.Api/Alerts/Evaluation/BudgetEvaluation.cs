using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Energy;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Readings.Ingest;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>
/// Energy budgets: a building, or one meter, that has used more in a day or month of its own than it should. Nothing is remembered between
/// two looks: the periods from the earliest change on are added up anew, by the code that answers questions on energy.
/// </summary>
internal sealed class BudgetEvaluation(EnergyReader energy, AlertReconciler reconciler)
{
    /// <summary>Further back a late reading changes no budget that anybody still watches.</summary>
    private const int MaxPeriods = 62;

    /// <summary>Names the clock's entry of one rule in one building, which has no subject of its own.</summary>
    public static Guid ClockOf(Guid rule, Guid building)
    {
        Span<byte> bytes = stackalloc byte[16];
        Span<byte> other = stackalloc byte[16];
        rule.TryWriteBytes(bytes);
        building.TryWriteBytes(other);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] ^= other[i];
        }

        return new Guid(bytes);
    }

    /// <returns>When each rule must be looked at again, by its entry of the clock.</returns>
    public async Task<List<(Guid Clock, long NextDue)>> RunAsync(
        Guid buildingId, IEnumerable<JudgedRule> rules, IReadOnlyCollection<WatchedSensor> sensors, ILookup<Guid, WorkItem> items,
        IReadOnlyCollection<Guid> due, long now, CancellationToken cancellationToken)
    {
        var clocks = new List<(Guid, long)>();
        foreach (var rule in rules)
        {
            var clock = ClockOf(rule.Id, buildingId);
            var work = sensors.Where(rule.Covers).SelectMany(s => items[s.Id]).Where(w => w.RuleId is null || w.RuleId == rule.Id).ToList();
            if (work.Count == 0 && !due.Contains(clock))
            {
                continue;
            }

            if (await energy.BuildingsAsync(buildingId, cancellationToken) is not [var building])
            {
                continue;
            }

            var subject = sensors.FirstOrDefault(s => s.Id == rule.Rule.SensorId) is { } sensor
                ? Subject.Of(sensor, TimeZoneInfo.FindSystemTimeZoneById(building.TimeZone))
                : Subject.OfBuilding(building.Id, building.Name);
            var meters = (await energy.SensorsAsync([building], carrier: null, cancellationToken))
                .FindAll(m => rule.Rule.SensorId is null || sensors.Any(s => s.Key == m.Key && s.Id == rule.Rule.SensorId));
            var earliest = work.Where(w => w.RuleId is null).Select(w => w.Earliest).Append(now).Min();
            clocks.Add((clock, await JudgeAsync(rule, subject, building, meters, earliest, now, cancellationToken)));
        }

        return clocks;
    }

    private async Task<long> JudgeAsync(
        JudgedRule rule, Subject subject, EnergyBuilding building, List<EnergySensor> meters, long earliest, long now, CancellationToken cancellationToken)
    {
        var condition = (EnergyBudgetCondition)rule.Condition;
        var periods = Periods(condition.Period, TimeZoneInfo.FindSystemTimeZoneById(building.TimeZone), earliest, now);
        var episodes = new List<Episode>();
        foreach (var (from, to) in periods)
        {
            if (await UsedUpAtAsync(condition, meters, from, to, cancellationToken) is { } at)
            {
                var end = Timestamp.FromDateTimeOffset(to);
                episodes.Add(new Episode(at, end <= now ? end : Signal.Never, condition.KWh, 1));
            }
        }

        // Everything from the first of these periods on is judged anew; an alert of the period before ends just there.
        var after = Timestamp.FromDateTimeOffset(periods[0].From);
        var stored = await reconciler.LoadAsync([subject.Id], after, cancellationToken);
        var told = Silencing.Apply(episodes, rule.Maintenance, []).FindAll(e => e.RaisedAt <= now);
        // An open one of an earlier period is over by now: its end is the period's.
        foreach (var old in stored.Where(a => a.RuleId == rule.Id && a.ClearedAt is null && a.Revision == rule.Revision && Timestamp.FromDateTimeOffset(a.RaisedAt) < after))
        {
            var raised = Timestamp.FromDateTimeOffset(old.RaisedAt);
            told.Add(new Episode(raised, Timestamp.FromDateTimeOffset(Periods(condition.Period, TimeZoneInfo.FindSystemTimeZoneById(building.TimeZone), raised, raised)[0].To), old.Value, 1));
        }

        told.Sort((a, b) => a.RaisedAt.CompareTo(b.RaisedAt));
        await reconciler.ReconcileAsync(rule, subject, told, stored, after, cancellationToken);
        return told.Exists(e => !e.IsOver) ? Timestamp.FromDateTimeOffset(periods[^1].To) : Signal.Never;
    }

    /// <summary>The quarter hour in which the budget was used up, by its beginning: it stays the same while that quarter hour fills.</summary>
    private async Task<long?> UsedUpAtAsync(
        EnergyBudgetCondition condition, List<EnergySensor> meters, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        var grid = BucketGrid.Create(from, to, EnergyResolution.QuarterHour, TimeZoneInfo.Utc)
            ?? throw new InvalidOperationException("A month has more quarter hours than expected.");
        var tally = new EnergyTally(grid);
        await energy.RunAsync(
            meters,
            new EnergyPeriod(from, to),
            _ =>
            {
                tally.BeginMeter(kgPerKWh: null);
                return tally;
            },
            cancellationToken);
        var kWh = 0.0;
        for (var bucket = 0; bucket < grid.Count; bucket++)
        {
            kWh += tally[bucket].KWh;
            if (kWh > condition.KWh)
            {
                return Timestamp.FromDateTimeOffset(grid.StartOf(bucket));
            }
        }

        return null;
    }

    /// <summary>The days or months of the building from that of <paramref name="earliest"/> to that of <paramref name="now"/>.</summary>
    private static List<(DateTimeOffset From, DateTimeOffset To)> Periods(BudgetPeriod period, TimeZoneInfo zone, long earliest, long now)
    {
        var periods = new List<(DateTimeOffset, DateTimeOffset)>();
        var day = First(CivilTime.DayOf(Timestamp.ToDateTimeOffset(now), zone));
        var earliestDay = CivilTime.DayOf(Timestamp.ToDateTimeOffset(Math.Min(earliest, now)), zone);
        do
        {
            periods.Insert(0, (CivilTime.StartOf(day, zone), CivilTime.StartOf(Next(day, 1), zone)));
            day = Next(day, -1);
        }
        while (Next(day, 1) > earliestDay && periods.Count < MaxPeriods);
        return periods;

        DateOnly First(DateOnly date) => period == BudgetPeriod.Day ? date : new DateOnly(date.Year, date.Month, 1);
        DateOnly Next(DateOnly date, int count) => period == BudgetPeriod.Day ? date.AddDays(count) : date.AddMonths(count);
    }
}
