using System.Globalization;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Alerts.Evaluation;
using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Ingest;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts;

public sealed record PreviewRequest
{
    /// <summary>Required: a rule as for <c>POST /rules</c>; its name and severity may be left out.</summary>
    public RuleRequest? Rule { get; init; }
    /// <summary>Required.</summary>
    public DateTimeOffset? From { get; init; }
    /// <summary>Now unless given.</summary>
    public DateTimeOffset? To { get; init; }
}

/// <param name="SensorId">Null for an alert of the whole building.</param>
/// <param name="ClearedAt">Null where it lasts beyond the period.</param>
internal sealed record PreviewAlert(
    Guid? SensorId, Guid BuildingId, Domain.AlertSeverity Severity, double? Value, double? Threshold, string Message,
    DateTimeOffset RaisedAt, DateTimeOffset? ClearedAt, int Occurrences);

/// <param name="Alerts">In order of time; the first 1,000.</param>
/// <param name="Count">How many there are in all.</param>
/// <param name="TimeInAlarmSeconds">Added up over all sensors.</param>
/// <param name="Chattering">Whether any sensor would have raised three alerts within a minute.</param>
/// <param name="ChatteringAlerts">How many alerts belong to such a burst.</param>
/// <param name="SuggestedHysteresis">A deadband that saves a third of the alerts or more and keeps the time in alarm; null where none is called for.</param>
/// <param name="SuggestedForSeconds">An on-delay that does.</param>
internal sealed record PreviewResponse(
    DateTimeOffset From, DateTimeOffset To, int Sensors, long Readings, IReadOnlyList<PreviewAlert> Alerts, int Count, double TimeInAlarmSeconds,
    bool Chattering, int ChatteringAlerts, double AlertsPer10Minutes, int PeakPer10Minutes, double FloodSeconds,
    double? SuggestedHysteresis, int? SuggestedForSeconds);

/// <summary>Runs a rule over stored history with the machines that judge live.</summary>
internal sealed class RulePreview(CityDb db, EvaluationStore store)
{
    private const int MaxAlerts = 1000;
    private const int MaxTuningSamples = 200_000;

    private readonly List<(Subject Subject, Episode Episode)> _alerts = [];
    private readonly List<Suggestion> _suggestions = [];
    private long _readings;

    public static async Task<Results<Read<PreviewResponse>, ProblemHttpResult>> RunAsync(
        PreviewRequest request, CityDb db, EvaluationStore store, IOptions<AlertOptions> options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var check = new Validator();
        var rule = request.Rule is { } given ? given with { Name = given.Name ?? "preview", Severity = given.Severity ?? "warning" } : null;
        if (check.Check(rule is not null, "rule", "rule is required."))
        {
            foreach (var (path, message) in RuleChecks.Check(rule!).Errors.SelectMany(e => e.Value.Select(message => (e.Key, message))))
            {
                check.Fail($"rule.{path}", message);
            }

            check.Check(rule!.Condition?.Type != "energy_budget", "rule.condition.type", "energy_budget cannot be tried on the past; ask for the energy of its days instead.");
            if (!check.Failed)
            {
                await RuleChecks.CheckScopeAsync(check, db, rule.Scope, cancellationToken);
            }
        }

        var to = request.To is { } end && end < now ? end : now;
        check.Check(request.From is not null, "from", "from is required.");
        check.Check(!(request.From >= to), "from", "from must be before to, and to is not later than now.");
        check.Check(!(to - request.From > TimeSpan.FromDays(options.Value.PreviewMaxDays)), "from",
            string.Create(CultureInfo.InvariantCulture, $"The period must be at most {options.Value.PreviewMaxDays} days long."));
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var tried = new AlertRule { Name = "", Condition = "", Maintenance = "" };
        tried.Write(rule!, now);
        // One connection for all of it: the store's commands are plain ones beside the context's.
        await db.Database.OpenConnectionAsync(cancellationToken);
        try
        {
            return Answers.Read(await new RulePreview(db, store).RunAsync(JudgedRule.Of(tried), request.From!.Value, to, cancellationToken));
        }
        finally
        {
            await db.Database.CloseConnectionAsync();
        }
    }

    private async Task<PreviewResponse> RunAsync(JudgedRule rule, DateTimeOffset start, DateTimeOffset end, CancellationToken cancellationToken)
    {
        var (from, to) = (Timestamp.FromDateTimeOffset(start), Timestamp.FromDateTimeOffset(end));
        var sensors = (await db.Sensors.AsNoTracking()
            .Where(s => rule.Rule.BuildingId == null || s.BuildingId == rule.Rule.BuildingId)
            .Where(s => rule.Rule.SensorId == null || s.Id == rule.Rule.SensorId)
            .Select(s => new WatchedSensor(s.Id, s.Key, s.BuildingId, s.Name, s.Quantity, s.Unit, s.Tags, s.CreatedAt))
            .ToListAsync(cancellationToken)).FindAll(rule.Covers);
        foreach (var building in sensors.GroupBy(s => s.BuildingId))
        {
            await RunBuildingAsync(rule, building.Key, [.. building], from, to, cancellationToken);
        }

        var spans = _alerts.ConvertAll(a => new AlarmSpan(rule.Id, a.Subject.Id, a.Episode.RaisedAt, Math.Min(a.Episode.ClearedAt, to)));
        var figures = AlarmFigures.Of(spans, from, to);
        return new PreviewResponse(
            start, end, sensors.Count, _readings,
            [.. _alerts.OrderBy(a => a.Episode.RaisedAt).ThenBy(a => a.Subject.Id).Take(MaxAlerts).Select(a => Model(rule, a.Subject, a.Episode))],
            _alerts.Count, spans.Sum(s => s.ClearedAt - s.RaisedAt) / 1e6,
            figures.ChatteringAlerts > 0, figures.ChatteringAlerts, figures.AlertsPer10Minutes, figures.PeakPer10Minutes, figures.FloodSeconds,
            _suggestions.Max(s => s.Hysteresis), _suggestions.Max(s => s.ForSeconds));
    }

    private async Task RunBuildingAsync(
        JudgedRule rule, Guid buildingId, List<WatchedSensor> sensors, long from, long to, CancellationToken cancellationToken)
    {
        var place = await db.Buildings.Where(b => b.Id == buildingId).Select(b => new { b.Name, b.TimeZone }).SingleAsync(cancellationToken);
        List<TimeSlot> silent = [];
        if (rule.IsAboutSilence && sensors.Count > 1)
        {
            var run = Begin(rule, from);
            await store.ReadTimesAsync([.. sensors.Select(s => s.Key)], from, s => Feed(run, s, to), cancellationToken);
            var told = Keep(Subject.OfBuilding(buildingId, place.Name), run, [], to);
            silent = told.ConvertAll(e => new TimeSlot(e.RaisedAt, e.ClearedAt));
        }

        foreach (var sensor in sensors)
        {
            var subject = Subject.Of(sensor, TimeZoneInfo.FindSystemTimeZoneById(place.TimeZone));
            var run = Begin(rule, from, subject.Traits);
            var samples = rule.Condition is ThresholdCondition ? new List<Sample>() : null;
            await store.ReadAsync(
                [(sensor.Key, run.From)],
                (_, sample) =>
                {
                    _readings += sample.At >= from && sample.At < to ? 1 : 0;
                    Feed(run, sample, to);
                    if (sample.At >= from && sample.At < to && samples?.Count < MaxTuningSamples)
                    {
                        samples.Add(sample);
                    }
                },
                cancellationToken);
            Keep(subject, run, silent, to);
            if (rule.Condition is ThresholdCondition threshold && samples?.Count < MaxTuningSamples)
            {
                _suggestions.Add(Tuning.Of(threshold, samples, to));
            }
        }
    }

    private static RuleRun Begin(JudgedRule rule, long from, SensorTraits? traits = null) => new(
        rule,
        new Track { RuleId = rule.Id, Revision = rule.Revision, JudgedFrom = from, Floor = from, Anchor = from },
        long.MinValue,
        [],
        traits);

    private static void Feed(RuleRun run, in Sample sample, long to)
    {
        if (sample.At < to)
        {
            run.Read(sample);
        }
    }

    private List<Episode> Keep(Subject subject, RuleRun run, List<TimeSlot> explained, long to)
    {
        var told = Silencing.Apply(run.Finish(to - 1), run.Rule.Maintenance, explained).FindAll(e => e.RaisedAt < to);
        _alerts.AddRange(told.Select(e => (subject, e)));
        return told;
    }

    private static PreviewAlert Model(JudgedRule rule, Subject subject, Episode episode) => new(
        subject.SensorId, subject.BuildingId, rule.Rule.Severity, episode.Value, rule.Condition.Limit,
        rule.Rule.Message ?? ConditionChecks.Describe(rule.Condition, subject.Name, subject.Unit, episode.Value),
        Timestamp.ToDateTimeOffset(episode.RaisedAt),
        episode.IsOver ? Timestamp.ToDateTimeOffset(episode.ClearedAt) : null, episode.Occurrences);
}
