using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>
/// Makes dirty rollups anew, a bounded piece in each transaction. A step claims sensors (others pass over them), takes their dirty
/// spans away and reads the readings after that: whatever a writer commits later leaves a span of its own.
/// </summary>
internal sealed class RollupRefresh(NpgsqlDataSource source, IOptions<RollupOptions> options, RollupMetrics metrics, TimeProvider time)
{
    private const int SensorsAtOnce = 200;

    /// <summary>Where the last step ended among the sensors, so that busy ones do not keep the others waiting.</summary>
    private int _lastSensor;

    /// <returns>Whether there was anything to do.</returns>
    public async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var step = new Step(connection, cancellationToken);
        await step.ExecuteAsync("SET LOCAL jit = off");
        var series = await ClaimAsync(step, _lastSensor);
        if (series.Count == 0 && _lastSensor > 0)
        {
            series = await ClaimAsync(step, 0);
        }

        if (series.Count == 0)
        {
            return false;
        }

        _lastSensor = series.Keys.Max();
        var dirty = await TakeDirtyAsync(step, [.. series.Keys]);
        var plan = DirtyPlan.Of(dirty, series.ToDictionary(s => s.Key, s => s.Value.IntervalSeconds), options.Value.ReadingsAtOnce);
        await LeaveAsync(connection, plan.Later, cancellationToken);
        var (rollups, months, readings) = await FoldAsync(step, plan.Now, series);
        await WriteAsync(step, rollups, months);
        await transaction.CommitAsync(cancellationToken);
        metrics.Refreshed(readings, rollups.Count, plan.Later.Count);
        return true;
    }

    private sealed record Series(RollupGrid Grid, int IntervalSeconds);

    private readonly record struct KeyedRollup(int SensorKey, Rollup Rollup);

    private static async Task<Dictionary<int, Series>> ClaimAsync(Step step, int after)
    {
        var series = new Dictionary<int, Series>();
        await step.ReadAsync(
            """
            SELECT sensor_key, interval_seconds, time_zone FROM reading_series
            WHERE sensor_key > $1 AND sensor_key IN (SELECT sensor_key FROM rollup_dirty)
            ORDER BY sensor_key LIMIT $2
            FOR UPDATE SKIP LOCKED
            """,
            row => series.Add(row.GetInt32(0), new Series(RollupGrid.For(TimeZoneInfo.FindSystemTimeZoneById(row.GetString(2))), row.GetInt32(1))),
            Step.Value(after), Step.Value(SensorsAtOnce));
        return series;
    }

    /// <summary>Takes the spans away. One without ends stands for the sensor's whole history: its rollups are thrown away too.</summary>
    private static async Task<List<DirtySpan>> TakeDirtyAsync(Step step, int[] sensors)
    {
        var dirty = new List<DirtySpan>();
        var whole = new HashSet<int>();
        await step.ReadAsync(
            "DELETE FROM rollup_dirty WHERE sensor_key = ANY ($1) RETURNING sensor_key, from_at, to_at",
            row =>
            {
                if (row.GetDateTime(1) == DateTime.MinValue)
                {
                    whole.Add(row.GetInt32(0));
                }
                else
                {
                    dirty.Add(new DirtySpan(row.GetInt32(0), Timestamp.FromDateTime(row.GetDateTime(1)), Timestamp.FromDateTime(row.GetDateTime(2))));
                }
            },
            Step.Array(NpgsqlDbType.Integer, sensors));
        foreach (var sensor in whole)
        {
            dirty.RemoveAll(d => d.SensorKey == sensor);
            await step.ExecuteAsync(
                """
                DELETE FROM rollups r WHERE sensor_key = $1 AND NOT EXISTS (
                    SELECT 1 FROM reading_months m
                    WHERE m.sensor_key = $1 AND m.is_sealed AND r.bucket >= m.month_start AND r.bucket < m.month_end)
                """,
                Step.Value(sensor));
            await step.ReadAsync(
                "SELECT min(observed_at), max(observed_at) FROM readings WHERE sensor_key = $1",
                row =>
                {
                    if (!row.IsDBNull(0))
                    {
                        var (first, last) = (Timestamp.FromDateTime(row.GetDateTime(0)), Timestamp.FromDateTime(row.GetDateTime(1)));
                        dirty.Add(new DirtySpan(sensor, RollupGrid.HourOf(first), RollupGrid.HourOf(last) + RollupGrid.Hour));
                    }
                },
                Step.Value(sensor));
        }

        return dirty;
    }

    private static async Task LeaveAsync(NpgsqlConnection connection, List<DirtySpan> later, CancellationToken cancellationToken)
    {
        if (later.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(DirtySpans.Insert(
            [.. later.Select(s => s.SensorKey)], [.. later.Select(s => Timestamp.ToDateTime(s.From))], [.. later.Select(s => Timestamp.ToDateTime(s.To))]));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Reads what is stored in the spans, in order, and folds it; sealed months keep the rollups that they have.</summary>
    private static async Task<(List<KeyedRollup> Rollups, HashSet<(int Sensor, int Month)> Months, int Readings)> FoldAsync(
        Step step, List<DirtySpan> spans, Dictionary<int, Series> series)
    {
        var rollups = new List<KeyedRollup>();
        var months = new HashSet<(int, int)>();
        if (spans.Count == 0)
        {
            return (rollups, months, 0);
        }

        var keys = spans.Select(s => s.SensorKey).ToArray();
        var isSealed = new HashSet<(int, int)>();
        await step.ReadAsync(
            "SELECT sensor_key, month_start FROM reading_months WHERE sensor_key = ANY ($1) AND is_sealed",
            row => isSealed.Add((row.GetInt32(0), ReadingPartitions.MonthOf(row.GetDateTime(1)))),
            Step.Array(NpgsqlDbType.Integer, keys));

        var readings = 0;
        var (sensor, fold) = (0, (RollupFold?)null);
        await step.ReadAsync(
            """
            SELECT s.sensor_key, r.observed_at, r.value
            FROM unnest($1, $2, $3) AS s (sensor_key, from_at, to_at)
            CROSS JOIN LATERAL (
                SELECT observed_at, value FROM readings
                WHERE sensor_key = s.sensor_key AND observed_at >= s.from_at AND observed_at < s.to_at AND observed_at >= $4 AND observed_at < $5) r
            ORDER BY s.sensor_key, r.observed_at
            """,
            row =>
            {
                readings++;
                if (row.GetInt32(0) != sensor)
                {
                    End();
                    sensor = row.GetInt32(0);
                    fold = new RollupFold(series[sensor].Grid, series[sensor].IntervalSeconds * Timestamp.MicrosecondsPerSecond);
                }

                if (fold!.Add(Timestamp.FromDateTime(row.GetDateTime(1)), row.GetDouble(2), out var finished))
                {
                    Keep(finished);
                }
            },
            Step.Array(NpgsqlDbType.Integer, keys),
            Step.Array(NpgsqlDbType.TimestampTz, [.. spans.Select(s => Timestamp.ToDateTime(s.From))]),
            Step.Array(NpgsqlDbType.TimestampTz, [.. spans.Select(s => Timestamp.ToDateTime(s.To))]),
            Step.Value(Timestamp.ToDateTime(spans.Min(s => s.From))),
            Step.Value(Timestamp.ToDateTime(spans.Max(s => s.To))));
        End();
        return (rollups, months, readings);

        void End()
        {
            if (fold is not null && fold.End(out var last))
            {
                Keep(last);
            }
        }

        void Keep(in Rollup rollup)
        {
            var month = (sensor, ReadingPartitions.MonthOf(Timestamp.ToDateTime(rollup.Start)));
            months.Add(month);
            if (!isSealed.Contains(month))
            {
                rollups.Add(new KeyedRollup(sensor, rollup));
            }
        }
    }

    private async Task WriteAsync(Step step, List<KeyedRollup> rollups, HashSet<(int Sensor, int Month)> months)
    {
        if (months.Count == 0)
        {
            return;
        }

        await step.ExecuteAsync(
            """
            INSERT INTO rollups (sensor_key, bucket, count, sum, sum_rest, min, max, first, last, covered_seconds)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (sensor_key, bucket) DO UPDATE SET
                count = excluded.count, sum = excluded.sum, sum_rest = excluded.sum_rest, min = excluded.min, max = excluded.max,
                first = excluded.first, last = excluded.last, covered_seconds = excluded.covered_seconds
            """,
            Column(NpgsqlDbType.Integer, r => r.SensorKey),
            Column(NpgsqlDbType.TimestampTz, r => Timestamp.ToDateTime(r.Rollup.Start)),
            Column(NpgsqlDbType.Integer, r => r.Rollup.Count),
            Column(NpgsqlDbType.Double, r => r.Rollup.Sum.Value),
            Column(NpgsqlDbType.Double, r => r.Rollup.Sum.Rest),
            Column(NpgsqlDbType.Double, r => r.Rollup.Min),
            Column(NpgsqlDbType.Double, r => r.Rollup.Max),
            Column(NpgsqlDbType.Double, r => r.Rollup.First),
            Column(NpgsqlDbType.Double, r => r.Rollup.Last),
            Column(NpgsqlDbType.Double, r => r.Rollup.CoveredSeconds));
        var ordered = months.Order().ToArray();
        await step.ExecuteAsync(
            """
            INSERT INTO reading_months AS m (sensor_key, month_start, month_end, written_at, has_raw, is_sealed)
            SELECT sensor_key, month_start, month_end, $4, true, false FROM unnest($1, $2, $3) AS n (sensor_key, month_start, month_end)
            ON CONFLICT (sensor_key, month_start) DO UPDATE SET has_raw = true, written_at = excluded.written_at
            WHERE NOT m.has_raw OR m.written_at < excluded.written_at - interval '1 hour'
            """,
            Step.Array(NpgsqlDbType.Integer, [.. ordered.Select(m => m.Sensor)]),
            Step.Array(NpgsqlDbType.TimestampTz, [.. ordered.Select(m => ReadingPartitions.StartOf(m.Month).UtcDateTime)]),
            Step.Array(NpgsqlDbType.TimestampTz, [.. ordered.Select(m => ReadingPartitions.StartOf(m.Month + 1).UtcDateTime)]),
            Step.Value(time.GetUtcNow().UtcDateTime));

        NpgsqlParameter<T[]> Column<T>(NpgsqlDbType type, Converter<KeyedRollup, T> member) => Step.Array(type, [.. rollups.ConvertAll(member)]);
    }

    /// <summary>Statements of one transaction.</summary>
    private sealed class Step(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        public static NpgsqlParameter<int> Value(int value) => new() { TypedValue = value };

        public static NpgsqlParameter<DateTime> Value(DateTime value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.TimestampTz };

        public static NpgsqlParameter<T[]> Array<T>(NpgsqlDbType type, T[] values) =>
            new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };

        public async Task ExecuteAsync(string sql, params NpgsqlParameter[] parameters)
        {
            await using var command = Command(sql, parameters);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        public async Task ReadAsync(string sql, Action<NpgsqlDataReader> take, params NpgsqlParameter[] parameters)
        {
            await using var command = Command(sql, parameters);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                take(reader);
            }
        }

        private NpgsqlCommand Command(string sql, NpgsqlParameter[] parameters)
        {
            var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 300 };
            command.Parameters.AddRange(parameters);
            return command;
        }
    }
}
