using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Contracts;

namespace CityPulse.Api.Readings;

/// <summary>Readings and buckets as answers show them.</summary>
internal static class ReadingItems
{
    public static ReadingItem Of(ReadingBatch.Point point) => new(point.At, point.Value);

    public static BucketItem Of(Bucket bucket)
    {
        // JSON has no infinity: a sum beyond all numbers is told as unknown.
        double? sum = double.IsFinite(bucket.Sum) ? bucket.Sum : null;
        return new BucketItem(
            Timestamp.ToDateTimeOffset(bucket.Start), sum / bucket.Count, bucket.Min, bucket.Max, sum, bucket.Count, bucket.Last);
    }
}
