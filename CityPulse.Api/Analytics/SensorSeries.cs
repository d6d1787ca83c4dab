using System.Runtime.CompilerServices;
using CityPulse.Api.Analytics.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Readings;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Api.Sensors;
using CityPulse.Api.Sensors.Domain;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Analytics;

/// <summary>A sensor as far as its series is concerned.</summary>
internal sealed record SeriesSensor(
    int Key, Guid Id, Guid BuildingId, string Name, string Quantity, string Unit, string Kind, string IntervalLabel, int IntervalSeconds, TimeZoneInfo Zone)
{
    public long IntervalMicroseconds => IntervalSeconds * 1_000_000L;

    /// <summary>Amounts are added up over time, gauges averaged.</summary>
    public bool IsAmount => Kind != SensorKinds.Gauge;
}

/// <summary>
/// The readings of a sensor as a series that can be looked at for what is usual: gauges and deltas as they are, a counter by what it counted
/// between two readings.
/// </summary>
internal sealed class SensorSeries(CityDb db, ReadingReader reader)
{
    public Task<List<SeriesSensor>> FindAllAsync(IQueryable<Sensor> sensors, CancellationToken cancellationToken) => (
        from s in sensors.AsNoTracking()
        join b in db.Buildings on s.BuildingId equals b.Id
        orderby s.Id
        select new SeriesSensor(
            s.Key, s.Id, s.BuildingId, s.Name, s.Quantity, s.Unit, s.Kind, s.IntervalLabel, s.IntervalSeconds, TimeZoneInfo.FindSystemTimeZoneById(b.TimeZone)))
        .ToListAsync(cancellationToken);

    public async Task<SeriesSensor?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        (await FindAllAsync(db.Sensors.Where(s => s.Id == id), cancellationToken)).SingleOrDefault();

    /// <summary>The series' points in <c>[from, to)</c>. The first reading of a counter is no point: nothing is known of what came before.</summary>
    /// <param name="keepAll">Gives 0 for a counter's reading of which that is not known, where the times are what matters.</param>
    public async IAsyncEnumerable<SeriesPoint> ReadAsync(
        SeriesSensor sensor, DateTimeOffset from, DateTimeOffset to, [EnumeratorCancellation] CancellationToken cancellationToken, bool keepAll = false)
    {
        var steps = sensor.Kind == SensorKinds.Counter ? new CounterSteps(sensor.IntervalMicroseconds) : null;
        await foreach (var point in reader.ReadAsync(sensor.Key, SpanOf(from, to), descending: false, limit: null, cancellationToken))
        {
            if (steps is null)
            {
                yield return new SeriesPoint(point.AtMicroseconds, point.Value);
            }
            else if ((steps.Next(point.AtMicroseconds, point.Value) ?? (keepAll ? 0 : null)) is { } amount)
            {
                yield return new SeriesPoint(point.AtMicroseconds, amount);
            }
        }
    }

    /// <summary>
    /// One value a bucket: the mean of a gauge, the sum of a delta, of a counter what it counted since the last reading of the bucket before.
    /// Buckets of which nothing is known are absent.
    /// </summary>
    public async Task<List<SeriesBucket>> ReadBucketsAsync(
        SeriesSensor sensor, DateTimeOffset from, DateTimeOffset to, Resolution resolution, CancellationToken cancellationToken)
    {
        var clock = new BucketClock(resolution, sensor.Zone);
        // A delta that names the end of its interval was used up before that.
        var shift = sensor is { Kind: SensorKinds.Delta, IntervalLabel: IntervalLabels.End } ? sensor.IntervalMicroseconds : 0;
        var buckets = new List<SeriesBucket>();
        if (shift > 0)
        {
            var fold = new BucketFold(clock, descending: false);
            await foreach (var point in reader.ReadAsync(sensor.Key, SpanOf(from, to, shift), descending: false, limit: null, cancellationToken))
            {
                if (fold.Add(point.AtMicroseconds - shift, point.Value, out var finished))
                {
                    buckets.Add(Of(finished, finished.Sum));
                }
            }

            if (fold.End(out var last))
            {
                buckets.Add(Of(last, last.Sum));
            }

            return buckets;
        }

        Bucket? before = null;
        await foreach (var bucket in reader.ReadBucketsAsync(sensor.Key, SpanOf(from, to), clock, descending: false, cancellationToken))
        {
            switch (sensor.Kind)
            {
                case SensorKinds.Counter:
                    if (before is { } earlier && earlier.End == bucket.Start && bucket.Last >= earlier.Last)
                    {
                        buckets.Add(Of(bucket, bucket.Last - earlier.Last));
                    }

                    break;
                case SensorKinds.Delta:
                    buckets.Add(Of(bucket, bucket.Sum));
                    break;
                default:
                    buckets.Add(Of(bucket, bucket.Sum / bucket.Count));
                    break;
            }

            before = bucket;
        }

        return [.. buckets.Where(b => double.IsFinite(b.Value))];
    }

    private static SeriesBucket Of(Bucket bucket, double value) => new(bucket.Start, bucket.End, value, bucket.Count);

    private static Span SpanOf(DateTimeOffset from, DateTimeOffset to, long shift = 0) =>
        new(Timestamp.FromDateTimeOffset(from) + shift, Timestamp.FromDateTimeOffset(to) + shift);
}

/// <summary>A value of a series; microseconds since 1970-01-01Z.</summary>
internal readonly record struct SeriesPoint(long At, double Value)
{
    public DateTimeOffset Time => Timestamp.ToDateTimeOffset(At);
}

/// <summary>A value of a bucket <c>[Start, End)</c>, in microseconds since 1970-01-01Z.</summary>
internal readonly record struct SeriesBucket(long Start, long End, double Value, int Count);
