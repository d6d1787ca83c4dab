using System.Runtime.CompilerServices;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings;

/// <summary>A half-open span of time, in microseconds since 1970-01-01Z.</summary>
internal readonly record struct Span(long From, long To)
{
    public bool IsEmpty => From >= To;
}

/// <summary>Reads stored readings of one sensor in order of time, or against it, holding none of them.</summary>
internal sealed class ReadingReader(NpgsqlDataSource source)
{
    /// <summary>The readings themselves.</summary>
    public async IAsyncEnumerable<ReadingBatch.Point> ReadAsync(
        int sensorKey, Span span, bool descending, int? limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (span.IsEmpty)
        {
            yield break;
        }

        await using var command = source.CreateCommand($"""
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
            yield return new ReadingBatch.Point(
                (reader.GetDateTime(0).Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond, reader.GetDouble(1));
        }
    }

    /// <summary>All buckets of the span that hold a reading, computed from the readings.</summary>
    public async IAsyncEnumerable<Bucket> ReadBucketsAsync(
        int sensorKey, Span span, BucketClock clock, bool descending, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var fold = new BucketFold(clock, descending);
        await foreach (var point in ReadAsync(sensorKey, span, descending, null, cancellationToken))
        {
            if (fold.Add(point.AtMicroseconds, point.Value, out var finished))
            {
                yield return finished;
            }
        }

        if (fold.End(out var last))
        {
            yield return last;
        }
    }

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

    private static NpgsqlParameter<DateTime> Time(long microseconds) =>
        new() { TypedValue = Timestamp.ToDateTime(microseconds), NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
