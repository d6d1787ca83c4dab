using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Http;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>Makes one message of what was gathered for a channel, when it is due. The ticker asks.</summary>
internal sealed class FloodTeller(IServiceScopeFactory scopes, DeliverySignal signal)
{
    private const int MostItems = 100;

    private sealed record Gathering(Guid Organization, Guid Channel, DateTimeOffset First, bool HasCritical, DateTimeOffset? Last);

    /// <param name="connection">Sees every organisation's.</param>
    public async Task TellDueAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var gathering in await GatheringsAsync(connection, now, cancellationToken))
        {
            if (FloodPlan.DueAt(gathering.First, gathering.HasCritical, gathering.Last) <= now)
            {
                await using var scope = scopes.CreateTenantScope(gathering.Organization);
                var db = scope.ServiceProvider.GetRequiredService<CityDb>();
                var queue = scope.ServiceProvider.GetRequiredService<DeliveryQueue>();
                await db.InTransactionAsync(token => TellAsync(db, queue, gathering.Channel, now, token), cancellationToken);
                signal.Ring();
            }
        }
    }

    private static async Task<List<Gathering>> GatheringsAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT g.organization_id, g.channel_id, min(g.next_attempt_at), coalesce(bool_or(a.severity = 'critical'), false),
                (SELECT max(f.created_at) FROM alert_deliveries f WHERE f.channel_id = g.channel_id AND f.event_type = 'alert.flood')
            FROM alert_deliveries g LEFT JOIN alerts a ON a.id = g.alert_id
            WHERE g.status = 'gathered' AND g.next_attempt_at <= $1 GROUP BY g.organization_id, g.channel_id
            """,
            connection)
        {
            Parameters = { new NpgsqlParameter<DateTimeOffset> { TypedValue = now } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var gatherings = new List<Gathering>();
        while (await reader.ReadAsync(cancellationToken))
        {
            gatherings.Add(new Gathering(
                reader.GetGuid(0), reader.GetGuid(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetBoolean(3),
                reader.IsDBNull(4) ? null : reader.GetFieldValue<DateTimeOffset>(4)));
        }

        return gatherings;
    }

    private static async Task<bool> TellAsync(CityDb db, DeliveryQueue queue, Guid channel, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var gathered = await db.Set<Delivery>()
            .FromSql($"""
                SELECT * FROM alert_deliveries
                WHERE channel_id = {channel} AND organization_id = {db.OrganizationId} AND status = 'gathered' AND next_attempt_at <= {now} ORDER BY id FOR UPDATE
                """)
            .ToListAsync(cancellationToken);
        if (gathered.Count == 0)
        {
            return false;
        }

        var ids = gathered.Select(d => d.AlertId).Distinct().ToArray();
        var alerts = await db.Set<Alert>().AsNoTracking().Where(a => ids.Contains(a.Id)).ToListAsync(cancellationToken);
        var flood = queue.NewFlood(channel, FloodOf(channel, alerts, gathered.Min(d => d.CreatedAt), now));
        db.Add(flood);
        foreach (var delivery in gathered)
        {
            (delivery.Status, delivery.GroupId, delivery.NextAttemptAt, delivery.FinishedAt) = (Words.Of(DeliveryStatus.Grouped), flood.Id, null, now);
        }

        await db.SaveChangesAsync(cancellationToken);
        return true;
    }

    private static AlertFlood FloodOf(Guid channel, List<Alert> alerts, DateTimeOffset from, DateTimeOffset to)
    {
        var (critical, warning, info) = (Count(AlertSeverity.Critical), Count(AlertSeverity.Warning), Count(AlertSeverity.Info));
        var open = alerts.Count(a => a.State != AlertState.Closed);
        return new AlertFlood(
            channel, $"{alerts.Count} alerts: {critical} critical, {warning} warning, {info} info. {open} of them are open.",
            alerts.Count, open, critical, warning, info, from, to,
            [.. alerts.OrderByDescending(a => a.Severity).ThenByDescending(a => a.RaisedAt).Take(MostItems).Select(AlertQueries.Shape)]);

        int Count(AlertSeverity severity) => alerts.Count(a => a.Severity == severity);
    }
}
