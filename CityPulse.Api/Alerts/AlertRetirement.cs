using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Alerts;

/// <summary>
/// What becomes of alerts whose sensor or building is deleted: open ones are closed and say why; all stay readable, as the record of what
/// operators were told. What evaluation remembers of them is forgotten.
/// </summary>
internal sealed class AlertRetirement(CityDb db, AlertJournal journal, TimeProvider clock)
{
    /// <summary>In the transaction that deletes the sensors, before it saves.</summary>
    public async Task SensorsDeletedAsync(Guid buildingId, Guid[] sensors, CancellationToken cancellationToken)
    {
        await KeepEvaluationOutAsync(buildingId, cancellationToken);
        await RetireAsync(sensors, "The sensor was deleted.", cancellationToken);
    }

    /// <summary>In the transaction that deletes the building, after its sensors.</summary>
    public async Task BuildingDeletedAsync(Guid buildingId, CancellationToken cancellationToken)
    {
        await KeepEvaluationOutAsync(buildingId, cancellationToken);
        await RetireAsync([buildingId], "The building was deleted.", cancellationToken);
        await db.Database.ExecuteSqlAsync($"DELETE FROM alert_work WHERE building_id = {buildingId} AND organization_id = {db.OrganizationId}", cancellationToken);
    }

    // The same order as evaluation takes them in, so that neither waits for the other crosswise.
    private async Task KeepEvaluationOutAsync(Guid buildingId, CancellationToken cancellationToken)
    {
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(alert_building_lock({buildingId}))", cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock_shared(alert_rules_lock({db.OrganizationId}))", cancellationToken);
    }

    private async Task RetireAsync(Guid[] subjects, string why, CancellationToken cancellationToken)
    {
        journal.Reset();
        var open = await db.Set<Alert>()
            .FromSql($"SELECT * FROM alerts WHERE organization_id = {db.OrganizationId} AND subject_id = ANY ({subjects}) AND state <> 'closed' ORDER BY id FOR UPDATE")
            .ToListAsync(cancellationToken);
        var now = clock.GetUtcNow();
        foreach (var alert in open)
        {
            journal.TryApply(alert, AlertTrigger.Retire, now, comment: why);
        }

        await db.Database.ExecuteSqlAsync($"DELETE FROM alert_tracks WHERE subject_id = ANY ({subjects}) AND organization_id = {db.OrganizationId}", cancellationToken);
        await db.Database.ExecuteSqlAsync($"DELETE FROM alert_checkpoints WHERE subject_id = ANY ({subjects}) AND organization_id = {db.OrganizationId}", cancellationToken);
        await db.Database.ExecuteSqlAsync($"DELETE FROM alert_work WHERE sensor_id = ANY ({subjects}) AND organization_id = {db.OrganizationId}", cancellationToken);
        await journal.SaveAsync(cancellationToken);
    }
}
