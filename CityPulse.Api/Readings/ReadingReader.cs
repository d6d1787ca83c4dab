using System.Runtime.CompilerServices;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Api.Readings.Rollups;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings;

/// <summary>A half-open span of time, in microseconds since 1970-01-01Z.</summary>
internal readonly record struct Span(long From, long To)
{
    public bool IsEmpty => From >= To;
}

/// <summary>Reads stored readings of one sensor in order of time, or against it, holding none of them.</summary>
internal sealed class ReadingReader(TenantDatabase database, RollupReader rollups)
{
    /// <summary>The readings themselves.</summary>
    public async IAsyncEnumerable<ReadingBatch.Point> ReadAsync(
        int sensorKey, Span span, bool descending, int? limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (span.IsEmpty)
        {
            yield break;
        }

        await using var command = database.Requests.CreateCommand($"""
            SELECT observed_at, value FROM readings
            WHERE sensor_key = $1 AND observed_at >= $2 AND observed_at < $3
            ORDER BY observed_at {(descending ? "DESC" : "")}
            {(limit is null ? "" : "LIMIT $4")}
            """);
        command.CommandTimeout = 120;
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = sensorKey });
        command.Parameters.Add(Time(span.From));
        command.Parameters.Add(Time(span.To));
        if (limit is { } most)
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            yield return new ReadingBatch.Point(Timestamp.FromDateTime(reader.GetDateTime(0)), reader.GetDouble(1));
        }
    }

    /// <summary>All buckets of the span that hold a reading: exactly what the readings give now, whether or not rollups are used.</summary>
    public async IAsyncEnumerable<Bucket> ReadBucketsAsync(
        int sensorKey, Span span, BucketClock clock, bool descending, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var fold = new BucketFold(clock, descending);
        await foreach (var part in ReadPartsAsync(sensorKey, span, clock, descending, cancellationToken))
        {
            if (fold.Add(part, out var finished))
            {
                yield return finished;
            }
        }

        if (fold.End(out var last))
        {
            yield return last;
        }
    }

    private IAsyncEnumerable<Rollup> ReadPartsAsync(int sensorKey, Span span, BucketClock clock, bool descending, CancellationToken cancellationToken) =>
        clock.Rollups is { } grid
            ? rollups.ReadAsync(sensorKey, span, grid, descending, cancellationToken)
            : ReadAsync(sensorKey, span, descending, null, cancellationToken).Select(p => Rollup.Of(p.AtMicroseconds, p.Value));

    /// <summary>
    /// The first <paramref name="count"/> buckets of the span that hold a reading. Looks no further than it must: windows
    /// that end on a bucket's edge, wider each time that one held too little.
    /// </summary>
    public async Task<List<Bucket>> ReadBucketsAsync(
        int sensorKey, Span span, BucketClock clock, bool descending, int count, CancellationToken cancellationToken)
    {
        var buckets = new List<Bucket>();
        for (var width = Math.Max(2, count); !span.IsEmpty; width = Math.Min(width * 4, BucketClock.MaxBuckets + 1))
        {
            var edge = descending ? Math.Max(span.From, clock.Back(span.To - 1, width)) : Math.Min(span.To, clock.Ahead(span.From, width));
            var (window, rest) = descending
                ? (new Span(edge, span.To), new Span(span.From, edge))
                : (new Span(span.From, edge), new Span(edge, span.To));
            await foreach (var bucket in ReadBucketsAsync(sensorKey, window, clock, descending, cancellationToken))
            {
                buckets.Add(bucket);
            }

            if (buckets.Count >= count)
            {
                break;
            }

            span = rest;
        }

        return buckets.Count > count ? buckets[..count] : buckets;
    }

    /// <summary>Times longer than <paramref name="longest"/> without a reading, ends of the span included; the first ones.</summary>
    public async Task<List<Span>> ReadGapsAsync(int sensorKey, Span span, TimeSpan longest, int limit, CancellationToken cancellationToken)
    {
        var gaps = new List<Span>();
        if (span.IsEmpty)
        {
            return gaps;
        }

        await using var command = database.Requests.CreateCommand("""
            SELECT before, at FROM (
                SELECT lag(at, 1, $2) OVER (ORDER BY at) AS before, at FROM (
                    SELECT observed_at FROM readings WHERE sensor_key = $1 AND observed_at >= $2 AND observed_at < $3
                    UNION ALL SELECT $3) t (at)) g
            WHERE at - before > $4 ORDER BY at LIMIT $5
            """);
        command.CommandTimeout = 120;
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = sensorKey });
        command.Parameters.Add(Time(span.From));
        command.Parameters.Add(Time(span.To));
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = longest, NpgsqlDbType = NpgsqlDbType.Interval });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            gaps.Add(new Span(Timestamp.FromDateTime(reader.GetDateTime(0)), Timestamp.FromDateTime(reader.GetDateTime(1))));
        }

        return gaps;
    }

    private static NpgsqlParameter<DateTime> Time(long microseconds) =>
        new() { TypedValue = Timestamp.ToDateTime(microseconds), NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
