using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Ingest;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Alerts;

/// <summary>One rule on one sensor (or building, then without a sensor) and how many alerts it made.</summary>
internal sealed record AlertSourceModel(Guid RuleId, string? RuleName, Guid SubjectId, string? SubjectName, int Alerts);

/// <summary>How well the alarm system serves its operators, after ISA-18.2: by the alerts' own times, those in <c>[from, to)</c>.</summary>
/// <param name="AlertsPer10Minutes">The average; fewer than 1 is the target.</param>
/// <param name="PeakPer10Minutes">The busiest 10 minutes.</param>
/// <param name="FloodSeconds">Time in blocks of 10 minutes with more than 10 alerts.</param>
/// <param name="ChatteringAlerts">Alerts that came three or more a minute from one source.</param>
/// <param name="Stale">Alerts active for more than 24 h at the end of the period.</param>
/// <param name="TopTen">The busiest sources.</param>
internal sealed record AlertStatisticsResponse(
    DateTimeOffset From, DateTimeOffset To, int Alerts, double AlertsPer10Minutes, int PeakPer10Minutes, double FloodSeconds,
    int ChatteringAlerts, IReadOnlyList<AlertSourceModel> Chattering, int Stale, IReadOnlyList<AlertSourceModel> TopTen);

internal static class AlertStatistics
{
    public static async Task<Results<Read<AlertStatisticsResponse>, ProblemHttpResult>> GetAsync(
        string? from, string? to, CityDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var (period, problem) = EnergyPeriod.Parse(from, to, clock.GetUtcNow());
        if (problem is not null)
        {
            return problem;
        }

        var spans = await SpansAsync(db.Set<Alert>(), period.From, period.To, cancellationToken);
        var figures = AlarmFigures.Of(spans, Timestamp.FromDateTimeOffset(period.From), Timestamp.FromDateTimeOffset(period.To));

        var subjects = figures.Top.Concat(figures.Chattering).Select(c => c.Source.SubjectId).Distinct().ToArray();
        var rules = await db.Set<AlertRule>().ToDictionaryAsync(r => r.Id, r => r.Name, cancellationToken);
        var sensors = await db.Sensors.Where(s => subjects.Contains(s.Id)).Select(s => new { s.Id, s.Name })
            .Union(db.Buildings.Where(b => subjects.Contains(b.Id)).Select(b => new { b.Id, b.Name }))
            .ToDictionaryAsync(s => s.Id, s => s.Name, cancellationToken);
        return Answers.Read(new AlertStatisticsResponse(
            period.From, period.To, figures.Alerts, figures.AlertsPer10Minutes, figures.PeakPer10Minutes, figures.FloodSeconds,
            figures.ChatteringAlerts, [.. figures.Chattering.Select(Model)], figures.Stale, [.. figures.Top.Select(Model)]));

        AlertSourceModel Model(SourceCount count) => new(
            count.Source.RuleId, rules.GetValueOrDefault(count.Source.RuleId),
            count.Source.SubjectId, sensors.GetValueOrDefault(count.Source.SubjectId), count.Alerts);
    }

    /// <summary>Alerts active at any time of the period. What was withdrawn never was.</summary>
    internal static async Task<List<AlarmSpan>> SpansAsync(
        IQueryable<Alert> alerts, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        var spans = await alerts.AsNoTracking()
            .Where(a => !a.IsWithdrawn && a.RaisedAt < to)
            .Select(a => new { a.RuleId, a.SubjectId, a.RaisedAt, End = a.ClearedAt ?? (a.IsActive ? null : a.ClosedAt) })
            .Where(a => a.RaisedAt >= from || a.End == null || a.End > from)
            .ToListAsync(cancellationToken);
        return spans.ConvertAll(a => new AlarmSpan(
            a.RuleId, a.SubjectId, Timestamp.FromDateTimeOffset(a.RaisedAt), a.End is { } end ? Timestamp.FromDateTimeOffset(end) : Signal.Never));
    }
}
