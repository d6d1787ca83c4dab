using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Alerts;

/// <summary>
/// What a change of a rule means to readings and alerts. Everything of the organisation that judges or stores waits while it commits, so
/// that every reading is judged by the rule as it was before or as it is after, and by none in between.
/// </summary>
internal sealed class RuleChange(CityDb db, AlertJournal journal, TimeProvider clock)
{
    /// <summary>Keeps evaluation and ingest out until the transaction ends. Comes before any row is locked.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        var organization = db.OrganizationId;
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(alert_rules_lock({organization}))", cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(sensor_registry_lock({organization}))", cancellationToken);
    }

    /// <summary>Closes the open alerts of what the rule judged before.</summary>
    public async Task RetireAsync(Guid ruleId, string why, CancellationToken cancellationToken)
    {
        var open = await db.Set<Alert>()
            .FromSql($"SELECT * FROM alerts WHERE organization_id = {db.OrganizationId} AND rule_id = {ruleId} AND NOT is_detached AND (state <> 'closed' OR is_active) ORDER BY id FOR UPDATE")
            .ToListAsync(cancellationToken);
        var now = clock.GetUtcNow();
        foreach (var alert in open)
        {
            if (!journal.TryApply(alert, AlertTrigger.Retire, now, comment: why))
            {
                // Closed by hand and still followed: it is followed no more.
                alert.IsDetached = true;
            }
        }
    }

    /// <summary>Lets ingest know which sensors have a rule, and the newest reading of each be judged by this one.</summary>
    public async Task BeginJudgingAsync(AlertRule rule, CancellationToken cancellationToken)
    {
        await TellIngestAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO alert_work (organization_id, building_id, sensor_id, rule_id, revision, earliest)
            SELECT {db.OrganizationId}, w.building_id, w.sensor_id, w.rule_id, {rule.Revision},
                (SELECT r.observed_at FROM readings r WHERE r.sensor_key = w.sensor_key ORDER BY r.observed_at DESC LIMIT 1)
            FROM alert_watches({db.OrganizationId}) w WHERE w.rule_id = {rule.Id}
            """,
            cancellationToken);
    }

    /// <summary>Judges again what the rule's other maintenance periods change.</summary>
    public Task JudgeAgainAsync(Guid ruleId, DateTimeOffset from, CancellationToken cancellationToken) => db.Database.ExecuteSqlAsync(
        $"""
        INSERT INTO alert_work (organization_id, building_id, sensor_id, rule_id, earliest)
        SELECT {db.OrganizationId}, w.building_id, w.sensor_id, w.rule_id, {from.ToUniversalTime()}
        FROM alert_watches({db.OrganizationId}) w WHERE w.rule_id = {ruleId}
        """,
        cancellationToken);

    /// <summary>A new version of the registry makes every replica's ingest look at it again.</summary>
    public Task TellIngestAsync(CancellationToken cancellationToken) => db.Database.ExecuteSqlAsync(
        $"""
        INSERT INTO sensor_registries AS r (organization_id, version) VALUES ({db.OrganizationId}, pg_current_xact_id()::text::bigint)
        ON CONFLICT (organization_id) DO UPDATE SET version = excluded.version
        """,
        cancellationToken);
}
