using CityPulse.Api.Alerts.Channels;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Events;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Ingest;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>
/// The clock of alerts: wakes what is due without a reading, ends shelves, tells floods, clears up, and takes the figures for the metrics. One
/// replica does.
/// </summary>
internal sealed partial class AlertTicker(
    NpgsqlDataSource source, IServiceScopeFactory scopes, DatabaseReady ready, AlertSignal signal, FloodTeller floods, AlertMetrics metrics,
    IOptions<AlertOptions> options, TimeProvider time, ILogger<AlertTicker> logger)
    : ElectedWork(source, ready, time, logger, AdvisoryLockKeys.AlertTicker, "the clock of alerts")
{
    private static readonly TimeSpan FiguresInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ClearingInterval = TimeSpan.FromHours(1);

    private readonly TimeProvider _time = time;
    private DateTimeOffset _clearedAt;
    private bool _isAhead;

    protected override async Task WorkAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await TickAsync(connection, cancellationToken);
        }
        finally
        {
            // The figures are another replica's to tell now.
            metrics.Observe(null, TimeSpan.Zero);
        }
    }

    private async Task TickAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var interval = TimeSpan.FromSeconds(options.Value.TickSeconds);
        long? observed = null;
        while (true)
        {
            await TickOnceAsync(connection, cancellationToken);
            if (observed is null || _time.GetElapsedTime(observed.Value) >= FiguresInterval)
            {
                metrics.Observe(await SnapshotAsync(connection, _time.GetUtcNow(), cancellationToken), observed is { } last ? _time.GetElapsedTime(last) : TimeSpan.Zero);
                observed = _time.GetTimestamp();
            }

            await Task.Delay(interval, cancellationToken);
        }
    }

    internal async Task TickOnceAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var now = await NowAsync(connection, cancellationToken);
        if (await WakeDueAsync(connection, now, cancellationToken) > 0)
        {
            signal.Ring();
        }

        foreach (var (organization, alert) in await EndedShelvesAsync(connection, now, cancellationToken))
        {
            await UnshelveAsync(organization, alert, now, cancellationToken);
        }

        await floods.TellDueAsync(connection, now, cancellationToken);
        if (now - _clearedAt >= ClearingInterval)
        {
            await ThinCheckpointsAsync(connection, now.AddDays(-options.Value.CheckpointDays), cancellationToken);
            _clearedAt = now;
        }
    }

    private async Task<DateTimeOffset> NowAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT clock_timestamp()", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (own, database) = (_time.GetUtcNow(), reader.GetFieldValue<DateTimeOffset>(0));
        var tolerance = TimeSpan.FromSeconds(options.Value.ClockToleranceSeconds);
        var isAhead = AlertClock.IsAhead(own, database, tolerance);
        if (isAhead && !_isAhead)
        {
            LogAhead(logger, (own - database).TotalSeconds);
        }

        _isAhead = isAhead;
        return AlertClock.Trusted(own, database, tolerance);
    }

    /// <summary>
    /// Of each month that is long past the last saved state is left: what comes late from there is judged from it, and costs a month of readings
    /// at most.
    /// </summary>
    private static async Task ThinCheckpointsAsync(NpgsqlConnection connection, DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            DELETE FROM alert_checkpoints c WHERE c.at < $1 AND EXISTS (
                SELECT FROM alert_checkpoints l
                WHERE l.subject_id = c.subject_id AND l.rule_id = c.rule_id AND l.at > c.at AND l.at < $1 AND l.revision = c.revision
                  AND date_trunc('month', l.at, 'UTC') = date_trunc('month', c.at, 'UTC'))
            """,
            connection)
        {
            Parameters = { Time(before) },
            CommandTimeout = 120,
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<int> WakeDueAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO alert_work (organization_id, building_id)
            SELECT DISTINCT t.organization_id, t.building_id FROM alert_tracks t
            WHERE t.next_due <= $1
              AND NOT EXISTS (SELECT FROM alert_work w WHERE w.building_id = t.building_id)
            """,
            connection)
        {
            Parameters = { Time(now) },
        };
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<(Guid Organization, Guid Alert)>> EndedShelvesAsync(
        NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT organization_id, id FROM alerts WHERE shelved_until <= $1 ORDER BY shelved_until LIMIT 1000", connection)
        {
            Parameters = { Time(now) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var ended = new List<(Guid, Guid)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            ended.Add((reader.GetGuid(0), reader.GetGuid(1)));
        }

        return ended;
    }

    private async Task UnshelveAsync(Guid organization, Guid id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateTenantScope(organization);
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        var journal = scope.ServiceProvider.GetRequiredService<AlertJournal>();
        await db.InTransactionAsync(
            async token =>
            {
                journal.Reset();
                if (await db.LockAsync<Alert>(id, delete: false, token) is { ShelvedUntil: { } until } alert && until <= now)
                {
                    journal.TryApply(alert, AlertTrigger.Unshelve, until, comment: "The time on the shelf has ended.");
                    await journal.SaveAsync(token);
                }

                return true;
            },
            cancellationToken);
        journal.Ring();
    }

    /// <summary>The whole system, whoever's the alerts are: only numbers leave here.</summary>
    private static async Task<AlertMetrics.Snapshot> SnapshotAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT a.rule_id, a.subject_id, a.raised_at, (SELECT count(*) FROM alerts WHERE state <> 'closed'), (SELECT count(*) FROM alert_work),
                (SELECT count(*) FROM alerts WHERE is_active AND NOT is_withdrawn AND raised_at < $1 - interval '1 day')
            FROM (SELECT) one LEFT JOIN alerts a ON a.raised_at BETWEEN $1 - interval '1 hour' AND $1 AND NOT a.is_withdrawn
            """,
            connection)
        {
            Parameters = { Time(now) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var spans = new List<AlarmSpan>();
        var (open, waiting, stale) = (0L, 0L, 0L);
        while (await reader.ReadAsync(cancellationToken))
        {
            (open, waiting, stale) = (reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5));
            if (!reader.IsDBNull(0))
            {
                var at = Timestamp.FromDateTimeOffset(reader.GetFieldValue<DateTimeOffset>(2));
                spans.Add(new AlarmSpan(reader.GetGuid(0), reader.GetGuid(1), at, at));
            }
        }

        var to = Timestamp.FromDateTimeOffset(now);
        var figures = AlarmFigures.Of(spans, Timestamp.FromDateTimeOffset(now.AddHours(-1)), to);
        return new AlertMetrics.Snapshot(spans.Count(s => s.RaisedAt >= to - 600_000_000L), figures.ChatteringAlerts, stale, open, waiting);
    }

    [LoggerMessage(LogLevel.Warning, "This replica's clock is {AheadSeconds} s ahead of the database's, by which alerts are judged until it is set right")]
    private static partial void LogAhead(ILogger logger, double aheadSeconds);

    private static NpgsqlParameter<DateTimeOffset> Time(DateTimeOffset time) => new() { TypedValue = time, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
