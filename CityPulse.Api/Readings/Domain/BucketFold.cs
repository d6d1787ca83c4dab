namespace CityPulse.Api.Readings.Domain;

/// <summary>What is told of the readings of one bucket.</summary>
internal readonly record struct Bucket(long Start, long End, double Min, double Max, double Sum, int Count, double First, double Last);

/// <summary>
/// Puts rollups or single readings, in order of time or against it, together to buckets. A sum is always added up in order of
/// time, so that a bucket is the same to the last bit whichever way it was read.
/// </summary>
internal sealed class BucketFold(BucketClock clock, bool descending)
{
    private readonly List<Rollup> _parts = [];
    private (long Start, long End) _bucket = (0, 0);

    /// <summary>Takes the next reading.</summary>
    /// <returns>True when it begins a bucket behind another, which is <paramref name="finished"/> then.</returns>
    public bool Add(long at, double value, out Bucket finished) => Add(Rollup.Of(at, value), out finished);

    /// <summary>Takes the next rollup, which no edge of a bucket may cut.</summary>
    public bool Add(in Rollup part, out Bucket finished)
    {
        finished = default;
        var isNew = part.Start >= _bucket.End || part.Start < _bucket.Start;
        var hasFinished = isNew && _parts.Count > 0;
        if (hasFinished)
        {
            finished = Fold();
        }

        if (isNew)
        {
            _bucket = clock.Find(part.Start);
        }

        _parts.Add(part);
        return hasFinished;
    }

    /// <summary>After the last part: the bucket that was begun, if any.</summary>
    public bool End(out Bucket finished)
    {
        var hasFinished = _parts.Count > 0;
        finished = hasFinished ? Fold() : default;
        return hasFinished;
    }

    private Bucket Fold()
    {
        if (descending)
        {
            _parts.Reverse();
        }

        var (count, min, max, sum) = (0, double.PositiveInfinity, double.NegativeInfinity, default(ExactSum));
        foreach (var part in _parts)
        {
            count += part.Count;
            min = Math.Min(min, part.Min);
            max = Math.Max(max, part.Max);
            sum += part.Sum;
        }

        var bucket = new Bucket(_bucket.Start, _bucket.End, min, max, sum.Value, count, _parts[0].First, _parts[^1].Last);
        _parts.Clear();
        return bucket;
    }
}
