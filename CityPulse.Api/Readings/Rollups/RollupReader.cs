using System.Runtime.CompilerServices;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>
/// Reads one sensor's rollups as they would be if they were made of the readings now: clean ones from the store, dirty ones, and those
/// that the ends of the span cut, from the readings. All in one snapshot, so that what a writer or the worker commits meanwhile is
/// seen as a whole or not at all.
/// </summary>
internal sealed class RollupReader(NpgsqlDataSource source)
{
    private const string RawSpans = "rollup_raw_spans($1, $2, $3, $4, $5)";

    /// <param name="grid">What no rollup may reach across.</param>
    public async IAsyncEnumerable<Rollup> ReadAsync(
        int sensorKey, Span span, RollupGrid grid, bool descending, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (span.IsEmpty)
        {
            yield break;
        }

        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        if (await BeginAsync(connection, sensorKey, cancellationToken) is not { } series)
        {
            yield break;
        }

        // Asked in days of another zone than the building's, stored rollups may be too long: then readings answer.
        var isFine = grid.StepMicroseconds % series.Grid.StepMicroseconds == 0;
        var step = isFine ? series.Grid : grid;
        var (firstWhole, lastWhole) = isFine ? (step.Ceiling(span.From), step.StartOf(span.To)) : (span.To, span.To);

        await using var batch = new NpgsqlBatch(connection) { Timeout = 120 };
        batch.BatchCommands.Add(Command(
            $"""
            SELECT r.observed_at, r.value
            FROM unnest({RawSpans}) AS s (span)
            CROSS JOIN LATERAL (
                SELECT observed_at, value FROM readings
                WHERE sensor_key = $1 AND observed_at >= lower(span) AND observed_at < upper(span) AND observed_at >= $2 AND observed_at < $3) r
            ORDER BY r.observed_at
            """));
        batch.BatchCommands.Add(Command(
            $"""
            SELECT bucket, count, sum, sum_rest, min, max, first, last, covered_seconds FROM rollups
            WHERE sensor_key = $1 AND bucket >= $2 AND bucket < $3 AND NOT (SELECT {RawSpans}) @> bucket
            ORDER BY bucket {(descending ? "DESC" : "")}
            """));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);

        var fresh = await FoldAsync(reader, new RollupFold(step, series.IntervalMicroseconds), cancellationToken);
        if (descending)
        {
            fresh.Reverse();
        }

        var next = 0;
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var stored = Stored(reader);
            for (; next < fresh.Count && (descending ? fresh[next].Start > stored.Start : fresh[next].Start < stored.Start); next++)
            {
                yield return fresh[next];
            }

            yield return stored;
        }

        for (; next < fresh.Count; next++)
        {
            yield return fresh[next];
        }

        NpgsqlBatchCommand Command(string sql) => new(sql)
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = sensorKey },
                Time(span.From), Time(span.To), Time(firstWhole), Time(lastWhole),
            },
        };
    }

    private readonly record struct Series(RollupGrid Grid, long IntervalMicroseconds);

    private static async Task<Series?> BeginAsync(NpgsqlConnection connection, int sensorKey, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
        // What is read of partitions looks dear to the planner; compiling it would take longer than reading.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SET LOCAL jit = off"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT time_zone, interval_seconds FROM reading_series WHERE sensor_key = $1")
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = sensorKey } },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new Series(RollupGrid.For(TimeZoneInfo.FindSystemTimeZoneById(reader.GetString(0))), reader.GetInt32(1) * Timestamp.MicrosecondsPerSecond)
            : null;
    }

    private static async Task<List<Rollup>> FoldAsync(NpgsqlDataReader reader, RollupFold fold, CancellationToken cancellationToken)
    {
        var rollups = new List<Rollup>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (fold.Add(Timestamp.FromDateTime(reader.GetDateTime(0)), reader.GetDouble(1), out var finished))
            {
                rollups.Add(finished);
            }
        }

        if (fold.End(out var last))
        {
            rollups.Add(last);
        }

        return rollups;
    }

    private static Rollup Stored(NpgsqlDataReader reader) => new(
        Timestamp.FromDateTime(reader.GetDateTime(0)), reader.GetInt32(1), new ExactSum(reader.GetDouble(2), reader.GetDouble(3)),
        reader.GetDouble(4), reader.GetDouble(5), reader.GetDouble(6), reader.GetDouble(7), reader.GetDouble(8));

    private static NpgsqlParameter<DateTime> Time(long microseconds) =>
        new() { TypedValue = Timestamp.ToDateTime(microseconds), NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
