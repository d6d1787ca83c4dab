namespace CityPulse.Api.Readings.Domain;

/// <summary>What is told of the readings of one bucket.</summary>
internal readonly record struct Bucket(long Start, long End, double Min, double Max, double Sum, int Count, double Last);

/// <summary>
/// Folds readings, in order of time or against it, into buckets. A sum is always added up in order of time, so that a
/// bucket is the same to the last bit whichever way it was read.
/// </summary>
internal sealed class BucketFold(BucketClock clock, bool descending)
{
    private readonly List<double> _values = [];
    private (long Start, long End) _bucket = (0, 0);

    /// <summary>Takes the next reading.</summary>
    /// <returns>True when it begins a bucket behind another, which is <paramref name="finished"/> then.</returns>
    public bool Add(long at, double value, out Bucket finished)
    {
        finished = default;
        var isNew = at >= _bucket.End || at < _bucket.Start;
        var hasFinished = isNew && _values.Count > 0;
        if (hasFinished)
        {
            finished = Fold();
        }

        if (isNew)
        {
            _bucket = clock.Find(at);
        }

        _values.Add(value);
        return hasFinished;
    }

    /// <summary>After the last reading: the bucket that was begun, if any.</summary>
    public bool End(out Bucket finished)
    {
        var hasFinished = _values.Count > 0;
        finished = hasFinished ? Fold() : default;
        return hasFinished;
    }

    private Bucket Fold()
    {
        if (descending)
        {
            _values.Reverse();
        }

        var (min, max, sum) = (_values[0], _values[0], 0.0);
        foreach (var value in _values)
        {
            min = Math.Min(min, value);
            max = Math.Max(max, value);
            sum += value;
        }

        var bucket = new Bucket(_bucket.Start, _bucket.End, min, max, sum, _values.Count, _values[^1]);
        _values.Clear();
        return bucket;
    }
}
