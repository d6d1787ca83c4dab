using System.Runtime.CompilerServices;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>
/// Reads one sensor's rollups as they would be if they were made of the readings now: clean ones from the store, dirty ones, and those
/// that the ends of the span cut, from the readings. All in one snapshot, so that what a writer or the worker commits meanwhile is
/// seen as a whole or not at all.
/// </summary>
internal sealed class RollupReader(TenantDatabase database)
{
    /// <param name="grid">What no rollup may reach across.</param>
    public async IAsyncEnumerable<Rollup> ReadAsync(
        int sensorKey, Span span, RollupGrid grid, bool descending, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (span.IsEmpty)
        {
            yield break;
        }

        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        if (await BeginAsync(connection, sensorKey, span, grid, cancellationToken) is not { } series)
        {
            yield break;
        }

        await using var batch = new NpgsqlBatch(connection) { Timeout = 120 };
        foreach (var raw in series.Raw)
        {
            batch.BatchCommands.Add(Readings(sensorKey, raw));
        }

        batch.BatchCommands.Add(Rollups(sensorKey, span, series.Raw, descending));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);

        var fresh = await FoldAsync(reader, series, cancellationToken);
        if (descending)
        {
            fresh.Reverse();
        }

        var next = 0;
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
    }

    /// <param name="Raw">Where readings answer, in order of time.</param>
    private sealed record Series(RollupGrid Grid, long IntervalMicroseconds, IReadOnlyList<Span> Raw);

    /// <summary>Takes the snapshot, and looks in it where rollups cannot answer. The rest can be planned for just those times.</summary>
    private static async Task<Series?> BeginAsync(
        NpgsqlConnection connection, int sensorKey, Span span, RollupGrid asked, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
        // What is read of partitions looks dear to the planner; compiling it would take longer than reading.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SET LOCAL jit = off"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT time_zone, interval_seconds FROM reading_series WHERE sensor_key = $1")
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = sensorKey } },
        });
        // No rollup reaches across a full hour. A span without whole hours is read as readings, as is all where rollups are too long.
        batch.BatchCommands.Add(RawSpans(sensorKey, span, RollupGrid.HourOf(span.From + RollupGrid.Hour - 1), RollupGrid.HourOf(span.To)));
        batch.BatchCommands.Add(RawSpans(sensorKey, span, span.To, span.To));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var (zone, interval) = (reader.GetString(0), reader.GetInt32(1) * Timestamp.MicrosecondsPerSecond);
        await reader.NextResultAsync(cancellationToken);
        var cut = await SpansAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var all = await SpansAsync(reader, cancellationToken);

        // Asked in days of another zone than the building's, stored rollups may be too long.
        var stored = RollupGrid.For(TimeZoneInfo.FindSystemTimeZoneById(zone));
        return asked.StepMicroseconds % stored.StepMicroseconds == 0
            ? new Series(stored, interval, cut)
            : new Series(asked, interval, all);
    }

    private static NpgsqlBatchCommand RawSpans(int sensorKey, Span span, long firstWhole, long lastWhole) => new("""
        SELECT lower(s), upper(s) FROM unnest(rollup_raw_spans($1, $2, $3, $4, $5)) AS s ORDER BY s
        """)
    {
        Parameters =
        {
            new NpgsqlParameter<int> { TypedValue = sensorKey },
            Time(span.From), Time(span.To), Time(firstWhole), Time(lastWhole),
        },
    };

    private static NpgsqlBatchCommand Readings(int sensorKey, Span span) => new("""
        SELECT observed_at, value FROM readings WHERE sensor_key = $1 AND observed_at >= $2 AND observed_at < $3 ORDER BY observed_at
        """)
    {
        Parameters = { new NpgsqlParameter<int> { TypedValue = sensorKey }, Time(span.From), Time(span.To) },
    };

    private static NpgsqlBatchCommand Rollups(int sensorKey, Span span, IReadOnlyList<Span> raw, bool descending) => new($"""
        SELECT bucket, count, sum, sum_rest, min, max, first, last, covered_seconds FROM rollups
        WHERE sensor_key = $1 AND bucket >= $2 AND bucket < $3
            AND NOT (SELECT coalesce(range_agg(tstzrange(f, t)), '{"{}"}') FROM unnest($4, $5) AS raw (f, t)) @> bucket
        ORDER BY bucket {(descending ? "DESC" : "")}
        """)
    {
        Parameters =
        {
            new NpgsqlParameter<int> { TypedValue = sensorKey },
            Time(span.From), Time(span.To), Times(raw.Select(r => r.From)), Times(raw.Select(r => r.To)),
        },
    };

    private static async Task<List<Span>> SpansAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var spans = new List<Span>();
        while (await reader.ReadAsync(cancellationToken))
        {
            spans.Add(new Span(Timestamp.FromDateTime(reader.GetDateTime(0)), Timestamp.FromDateTime(reader.GetDateTime(1))));
        }

        return spans;
    }

    /// <summary>One result a span; the next is that of the rollups then.</summary>
    private static async Task<List<Rollup>> FoldAsync(NpgsqlDataReader reader, Series series, CancellationToken cancellationToken)
    {
        var fold = new RollupFold(series.Grid, series.IntervalMicroseconds);
        var rollups = new List<Rollup>();
        for (var i = 0; i < series.Raw.Count; i++)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                if (fold.Add(Timestamp.FromDateTime(reader.GetDateTime(0)), reader.GetDouble(1), out var finished))
                {
                    rollups.Add(finished);
                }
            }

            await reader.NextResultAsync(cancellationToken);
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

    private static NpgsqlParameter<DateTime[]> Times(IEnumerable<long> microseconds) => new()
    {
        TypedValue = [.. microseconds.Select(Timestamp.ToDateTime)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
    };
}
