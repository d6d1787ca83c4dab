using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Api.Readings.Ingest;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>
/// The clock of alerts: wakes what is due without a reading, ends shelves, and takes the figures for the metrics. One replica ticks,
/// elected by an advisory lock on the connection that it works on; with the connection goes the office, and another takes over.
/// </summary>
internal sealed partial class AlertTicker(
    NpgsqlDataSource source, IServiceScopeFactory scopes, DatabaseReady ready, AlertSignal signal, AlertMetrics metrics,
    IOptions<AlertOptions> options, TimeProvider time, ILogger<AlertTicker> logger)
    : BackgroundService
{
    private static readonly TimeSpan ElectionInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FiguresInterval = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ready.WaitAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(stoppingToken);
                if (await TryTakeOfficeAsync(connection, stoppingToken))
                {
                    LogElected();
                    await TickAsync(connection, stoppingToken);
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogLost(e);
            }

            metrics.Observe(null, TimeSpan.Zero);
            await Task.Delay(ElectionInterval, stoppingToken);
        }
    }

    private async Task TickAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var interval = TimeSpan.FromSeconds(options.Value.TickSeconds);
        long? observed = null;
        while (true)
        {
            await TickOnceAsync(connection, cancellationToken);
            if (observed is null || time.GetElapsedTime(observed.Value) >= FiguresInterval)
            {
                metrics.Observe(await SnapshotAsync(connection, time.GetUtcNow(), cancellationToken), observed is { } last ? time.GetElapsedTime(last) : TimeSpan.Zero);
                observed = time.GetTimestamp();
            }

            await Task.Delay(interval, cancellationToken);
        }
    }

    internal async Task TickOnceAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (await WakeDueAsync(connection, now, cancellationToken) > 0)
        {
            signal.Ring();
        }

        foreach (var (organization, alert) in await EndedShelvesAsync(connection, now, cancellationToken))
        {
            await UnshelveAsync(organization, alert, now, cancellationToken);
        }
    }

    private static async Task<bool> TryTakeOfficeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = AdvisoryLockKeys.AlertTicker } },
        };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
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

    private static NpgsqlParameter<DateTimeOffset> Time(DateTimeOffset time) => new() { TypedValue = time, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    [LoggerMessage(LogLevel.Information, "This replica keeps the clock of alerts now")]
    private partial void LogElected();

    [LoggerMessage(LogLevel.Warning, "This replica keeps the clock of alerts no more")]
    private partial void LogLost(Exception exception);
}
