using System.Globalization;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings.Retention;

/// <summary>
/// Gives up readings that are older than they are to be kept, a month of UTC at a time: at once where no sensor's organisation keeps
/// a month any longer, else sensor by sensor. What is given up is sealed first: its rollups are complete and stay as they are.
/// </summary>
internal sealed partial class RetentionSweep(
    TenantDatabase database, ReadingPartitions partitions, IOptions<RetentionOptions> options, ILogger<RetentionSweep> logger)
{
    /// <summary>Whether a row of reading_months (m) with its reading_series (s) is to be given up. $1 now, $2 default months, $3 grace.</summary>
    private const string IsOver = "m.month_end + make_interval(months => coalesce(s.keep_months, $2)) <= $1 AND m.written_at <= $1 - $3";

    private const string IsClean =
        "NOT EXISTS (SELECT 1 FROM rollup_dirty d WHERE d.from_at < $5 AND d.to_at > $4 AND ($6 = 0 OR d.sensor_key = $6))";

    private const int SensorsAtOnce = 500;

    public async Task RunAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var month in await MonthsAsync(cancellationToken))
        {
            await DropAsync(month, now, cancellationToken);
        }

        while (await DeleteAsync(now, cancellationToken) == SensorsAtOnce)
        {
        }
    }

    private async Task<List<DateTime>> MonthsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.Work.CreateCommand("SELECT relname FROM pg_class WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'readings'::regclass)");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var months = new List<DateTime>();
        while (await reader.ReadAsync(cancellationToken))
        {
            // A table of another name was attached by an administrator, and is not ours to drop.
            if (DateTime.TryParseExact(
                reader.GetString(0), "'readings_'yyyy_MM", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var month))
            {
                months.Add(month);
            }
        }

        months.Sort();
        return months;
    }

    /// <summary>Drops a month's table if nobody keeps any reading of it. Asked twice: the second time nobody can be writing.</summary>
    private async Task DropAsync(DateTime month, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(cancellationToken);
        if (!await IsOverForAllAsync(connection, month, now, cancellationToken))
        {
            return;
        }

        var table = ReadingPartitions.NameOf(month);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using (var lockTables = new NpgsqlCommand(
                // Whoever reads or writes is waited for, and waits; so not for long. The next run tries again.
                $"SET LOCAL lock_timeout = '2s'; LOCK TABLE ONLY readings, {table} IN ACCESS EXCLUSIVE MODE", connection))
            {
                await lockTables.ExecuteNonQueryAsync(cancellationToken);
            }

            if (!await IsOverForAllAsync(connection, month, now, cancellationToken))
            {
                return;
            }

            await using var drop = new NpgsqlBatch(connection);
            drop.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE reading_months SET is_sealed = true, has_raw = false WHERE month_start = $1 AND has_raw")
            {
                Parameters = { Time(month) },
            });
            drop.BatchCommands.Add(new NpgsqlBatchCommand($"DROP TABLE {table}"));
            await drop.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            partitions.Forget();
            LogDropped(table);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.UndefinedTable)
        {
            LogBusy(table, e.SqlState);
        }
    }

    private async Task<bool> IsOverForAllAsync(NpgsqlConnection connection, DateTime month, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT $5 <= $1 - make_interval(months => $2)
                AND NOT EXISTS (
                    SELECT 1 FROM reading_months m JOIN reading_series s USING (sensor_key)
                    WHERE m.month_start = $4 AND m.has_raw AND NOT ({IsOver}))
                AND {IsClean}
            """,
            connection);
        Bind(command.Parameters, now, month, sensor: 0);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Deletes months of single sensors, whose organisations keep readings shorter than others.</summary>
    /// <returns>How many were looked at.</returns>
    private async Task<int> DeleteAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var over = new List<(int Sensor, DateTime Month)>();
        await using (var command = database.Work.CreateCommand($"""
            SELECT m.sensor_key, m.month_start FROM reading_months m JOIN reading_series s USING (sensor_key)
            WHERE m.has_raw AND {IsOver}
            LIMIT {SensorsAtOnce}
            """))
        {
            Bind(command.Parameters, now);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                over.Add((reader.GetInt32(0), reader.GetDateTime(1)));
            }
        }

        var deleted = 0;
        foreach (var (sensor, month) in over)
        {
            deleted += await DeleteAsync(sensor, month, now, cancellationToken) ? 1 : 0;
        }

        // What cannot be deleted now (a worker is at it, or it is dirty) waits for the next run.
        return deleted;
    }

    private async Task<bool> DeleteAsync(int sensor, DateTime month, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await database.Work.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var claim = new NpgsqlCommand("SELECT 1 FROM reading_series WHERE sensor_key = $1 FOR UPDATE SKIP LOCKED", connection))
        {
            claim.Parameters.Add(new NpgsqlParameter<int> { TypedValue = sensor });
            if (await claim.ExecuteScalarAsync(cancellationToken) is null || !await IsCleanAsync(connection, sensor, month, now, cancellationToken))
            {
                return false;
            }
        }

        await using (var delete = new NpgsqlBatch(connection) { Timeout = 600 })
        {
            delete.BatchCommands.Add(new NpgsqlBatchCommand("DELETE FROM readings WHERE sensor_key = $1 AND observed_at >= $2 AND observed_at < $3")
            {
                Parameters = { new NpgsqlParameter<int> { TypedValue = sensor }, Time(month), Time(month.AddMonths(1)) },
            });
            delete.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE reading_months SET is_sealed = true, has_raw = false WHERE sensor_key = $1 AND month_start = $2")
            {
                Parameters = { new NpgsqlParameter<int> { TypedValue = sensor }, Time(month) },
            });
            await delete.ExecuteNonQueryAsync(cancellationToken);
        }

        // The deletion may have waited for a correction that was under way: its rollups must be made first.
        if (!await IsCleanAsync(connection, sensor, month, now, cancellationToken))
        {
            return false;
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private async Task<bool> IsCleanAsync(NpgsqlConnection connection, int sensor, DateTime month, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {IsClean}", connection);
        Bind(command.Parameters, now, month, sensor);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private void Bind(NpgsqlParameterCollection parameters, DateTimeOffset now, DateTime month, int sensor)
    {
        Bind(parameters, now);
        parameters.Add(Time(month));
        parameters.Add(Time(month.AddMonths(1)));
        parameters.Add(new NpgsqlParameter<int> { TypedValue = sensor });
    }

    private void Bind(NpgsqlParameterCollection parameters, DateTimeOffset now)
    {
        parameters.Add(Time(now.UtcDateTime));
        parameters.Add(new NpgsqlParameter<int> { TypedValue = options.Value.Months });
        parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = TimeSpan.FromDays(options.Value.GraceDays), NpgsqlDbType = NpgsqlDbType.Interval });
    }

    private static NpgsqlParameter<DateTime> Time(DateTime time) => new() { TypedValue = time, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    [LoggerMessage(LogLevel.Information, "Dropped {Table}: no organisation keeps readings that old")]
    private partial void LogDropped(string table);

    [LoggerMessage(LogLevel.Information, "{Table} could not be dropped now ({Reason})")]
    private partial void LogBusy(string table, string reason);
}
