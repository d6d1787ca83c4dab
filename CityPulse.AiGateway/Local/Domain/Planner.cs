namespace CityPulse.AiGateway.Local.Domain;

/// <summary>A tool to call, with its arguments by name.</summary>
internal sealed record PlannedCall(string Tool, IReadOnlyDictionary<string, object?> Arguments);

/// <summary>Why the days of an answer follow this zone.</summary>
internal enum ZoneReason
{
    /// <summary>The building's own.</summary>
    Building,
    /// <summary>All buildings share it.</summary>
    Common,
    /// <summary>The buildings lie in several; it is that of most.</summary>
    MostCommon,
    /// <summary>There is no building.</summary>
    None,
}

/// <summary>What to look up for a question, and for when and where.</summary>
internal sealed record Plan(IReadOnlyList<PlannedCall> Calls, TimeZoneInfo Zone, ZoneReason ZoneReason)
{
    public Period? Period { get; init; }

    /// <summary>What <see cref="Period"/> is compared with.</summary>
    public Period? Other { get; init; }

    /// <summary>The question said no period, so the usual one was taken.</summary>
    public bool PeriodAssumed { get; init; }
}

/// <summary>Decides which tools answer a question.</summary>
internal static class Planner
{
    private const int MostBuildings = 5;

    private static readonly PeriodPhrase Usual = new PeriodPhrase.Rolling(TimeUnit.Day, 7);
    private static readonly PeriodPhrase LastMonth = new PeriodPhrase.Calendar(TimeUnit.Month, 1);

    public static Plan Make(Question question, DateTimeOffset now, IReadOnlyList<KnownBuilding> buildings)
    {
        var (zone, reason) = ZoneOf(question, buildings);
        var plan = new Plan([], zone, reason);
        return question.Kind switch
        {
            QuestionKind.CountSensors or QuestionKind.ListSensors or QuestionKind.Latest => plan with
            {
                Calls = [new("list_sensors", Arguments(
                    ("buildingId", BuildingId(question)), ("quantity", question.Quantity), ("status", question.Kind == QuestionKind.Latest ? null : question.Status),
                    ("limit", 500)))],
            },
            QuestionKind.Energy when question.Buildings.Count < 2 && Absolute(question) < 2 => Energy(plan, question, now),
            QuestionKind.Compare or QuestionKind.Energy => question.Buildings.Count > 1 ? Energy(plan, question, now) : Compare(plan, question, now),
            QuestionKind.Ranking => Ranking(plan, question, now),
            QuestionKind.Statistics => OfPeriod(plan, question, now, "get_readings", ("quantity", question.Quantity), ("limit", 0)),
            QuestionKind.Anomalies => OfPeriod(plan, question, now, "find_anomalies", ("quantity", question.Quantity)),
            QuestionKind.DataQuality => OfPeriod(plan, question, now, "get_data_quality"),
            QuestionKind.Alerts => Alerts(plan, question, now),
            QuestionKind.Forecast => Forecast(plan, question, now),
            _ => plan,
        };
    }

    private static Plan Energy(Plan plan, Question question, DateTimeOffset now)
    {
        var (period, assumed) = One(question, now, plan.Zone, Usual);
        var ids = question.Buildings.Count == 0 ? [null] : question.Buildings.Take(MostBuildings).Select(b => (Guid?)b.Id);
        return plan with
        {
            Period = period,
            PeriodAssumed = assumed,
            Calls = [.. ids.Select(id => new PlannedCall("get_energy", Arguments(
                ("from", Utc(period.From)), ("to", Utc(period.To)), ("buildingId", id?.ToString()), ("carrier", question.Carrier))))],
        };
    }

    private static Plan OfPeriod(Plan plan, Question question, DateTimeOffset now, string tool, params (string, object?)[] more)
    {
        var (period, assumed) = One(question, now, plan.Zone, Usual);
        return plan with
        {
            Period = period,
            PeriodAssumed = assumed,
            Calls = [new(tool, Arguments([("from", Utc(period.From)), ("to", Utc(period.To)), ("buildingId", BuildingId(question)), .. more]))],
        };
    }

    /// <summary>Without a period or a state, it is what is open now that matters.</summary>
    private static Plan Alerts(Plan plan, Question question, DateTimeOffset now)
    {
        var period = question.Periods.Count > 0 ? One(question, now, plan.Zone, Usual).Period : null;
        return plan with
        {
            Period = period,
            Calls = [new("list_alerts", Arguments(
                ("buildingId", BuildingId(question)), ("state", question.AlertState ?? (period is null ? "open" : null)), ("severity", question.Severity),
                ("from", period is null ? null : Utc(period.From)), ("to", period is null ? null : Utc(period.To))))],
        };
    }

    private static Plan Forecast(Plan plan, Question question, DateTimeOffset now)
    {
        // Data come late, and a forecast begins where they end.
        const int Late = 12;
        var ahead = question.Ahead!;
        now = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);
        var today = CivilTime.DayOf(now, plan.Zone);
        var from = ahead.Day is > 0 and { } first ? CivilTime.StartOf(today.AddDays(first), plan.Zone) : now;
        var to = ahead.Day is { } day ? CivilTime.StartOf(today.AddDays(day + 1), plan.Zone) : now.AddHours(ahead.Hours);
        var period = new Period(from, to, Usual);
        return plan with
        {
            Period = period,
            Calls = [new("get_forecast", Arguments(
                ("horizonHours", Math.Min(Ahead.MostHours, (int)Math.Ceiling((to - now).TotalHours) + Late)), ("buildingId", BuildingId(question)),
                ("carrier", question.Carrier), ("from", Utc(from)), ("to", Utc(to))))],
        };
    }

    private static Plan Ranking(Plan plan, Question question, DateTimeOffset now)
    {
        var (period, assumed) = One(question, now, plan.Zone, Usual);
        return plan with
        {
            Period = period,
            PeriodAssumed = assumed,
            Calls = [new("rank_buildings", Arguments(
                ("metric", question.Metric), ("from", Utc(period.From)), ("to", Utc(period.To)), ("order", question.Least ? "least" : "most"),
                ("limit", question.Top ?? 5), ("use", question.Use), ("carrier", question.Carrier)))],
        };
    }

    private static Plan Compare(Plan plan, Question question, DateTimeOffset now)
    {
        var basis = question.Periods.FirstOrDefault(p => !IsRelative(p));
        var partner = question.Periods.FirstOrDefault(p => !ReferenceEquals(p, basis)) ?? new PeriodPhrase.Before(null);
        var period = PeriodResolver.Resolve(basis ?? LastMonth, now, plan.Zone);
        var other = PeriodResolver.Resolve(partner, now, plan.Zone, period);
        return plan with
        {
            Period = period,
            Other = other,
            PeriodAssumed = basis is null,
            Calls = [new("compare_energy", Arguments(
                ("from", Utc(period.From)), ("to", Utc(period.To)), ("otherFrom", Utc(other.From)), ("otherTo", Utc(other.To)),
                ("buildingId", BuildingId(question)), ("carrier", question.Carrier)))],
        };
    }

    private static (Period Period, bool Assumed) One(Question question, DateTimeOffset now, TimeZoneInfo zone, PeriodPhrase usual)
    {
        var said = question.Periods.Count > 0 ? question.Periods[0] : null;
        if (said is not null && IsRelative(said))
        {
            var other = PeriodResolver.Resolve(question.Periods.FirstOrDefault(p => !IsRelative(p)) ?? LastMonth, now, zone);
            return (PeriodResolver.Resolve(said, now, zone, other), false);
        }

        return (PeriodResolver.Resolve(said ?? usual, now, zone), said is null);
    }

    private static (TimeZoneInfo, ZoneReason) ZoneOf(Question question, IReadOnlyList<KnownBuilding> buildings)
    {
        if (question.Buildings.Count == 1 && Zone(question.Buildings[0].TimeZone) is { } own)
        {
            return (own, ZoneReason.Building);
        }

        var asked = question.Buildings.Count > 1 ? question.Buildings : buildings;
        var zones = asked.CountBy(b => b.TimeZone).OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).ToList();
        return zones.Count > 0 && Zone(zones[0].Key) is { } zone
            ? (zone, zones.Count == 1 ? ZoneReason.Common : ZoneReason.MostCommon)
            : (TimeZoneInfo.Utc, ZoneReason.None);
    }

    private static TimeZoneInfo? Zone(string id) => TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : null;

    private static int Absolute(Question question) => question.Periods.Count(p => !IsRelative(p));

    private static bool IsRelative(PeriodPhrase phrase) => phrase is PeriodPhrase.Before or PeriodPhrase.YearEarlier;

    private static string? BuildingId(Question question) => question.Buildings.Count > 0 ? question.Buildings[0].Id.ToString() : null;

    private static string Utc(DateTimeOffset at) => PeriodResolver.Utc(at);

    private static Dictionary<string, object?> Arguments(params (string Name, object? Value)[] arguments) =>
        arguments.Where(a => a.Value is not null).ToDictionary(a => a.Name, a => a.Value);
}
