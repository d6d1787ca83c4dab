namespace CityPulse.Api.Analytics.Domain;

/// <summary>
/// What the hours of a week add to a sensor's level: the median of the last six weeks' means of that hour. Until an hour of the week has
/// been seen four times, the same hour of all days stands in, from three days on.
/// </summary>
internal sealed class SeasonalShape
{
    public const int Hours = 7 * 24;
    private const int Weeks = 6;
    private const int WeeksNeeded = 4;
    private const int DaysNeeded = 3;
    /// <summary>Of each weekday, when the hour of all days stands in.</summary>
    private const int RecentWeeks = 3;

    private readonly float[] _means = new float[Hours * Weeks];
    private readonly float[] _suspects = new float[Hours];
    private readonly byte[] _counts = new byte[Hours];
    private readonly byte[] _next = new byte[Hours];
    private readonly double?[] _medians = new double?[Hours];
    private readonly bool[] _known = new bool[Hours];

    public SeasonalShape() => Forget();

    /// <summary>Takes what an hour was above (or below) the level.</summary>
    public void Learn(int hour, float mean)
    {
        _means[(hour * Weeks) + _next[hour]] = mean;
        _next[hour] = (byte)((_next[hour] + 1) % Weeks);
        _counts[hour] = (byte)Math.Min(Weeks, _counts[hour] + 1);
        Array.Clear(_known);
    }

    /// <summary>
    /// Takes what an abnormal hour was. Once it is an anomaly and teaches nothing; when the same hour a week later is abnormal in the same way, it
    /// is the course of the week (a Sunday), and both are learned.
    /// </summary>
    /// <param name="tolerance">How far two of them may lie apart.</param>
    public void Suspect(int hour, float mean, double tolerance)
    {
        var before = _suspects[hour];
        _suspects[hour] = mean;
        if (Math.Abs(mean - before) <= tolerance)
        {
            if (_counts[hour] == 0 || InOrder(hour, 1).First() != before)
            {
                Learn(hour, before);
            }

            Learn(hour, mean);
        }
    }

    public void Forget()
    {
        Array.Fill(_suspects, float.NaN);
        Array.Clear(_counts);
        Array.Clear(_known);
    }

    /// <summary>The median of an hour of the week, Monday 0:00 being 0; null while too little is known.</summary>
    public double? At(int hour)
    {
        if (!_known[hour])
        {
            _medians[hour] = Find(hour);
            _known[hour] = true;
        }

        return _medians[hour];
    }

    /// <summary>Between the middles of two hours the shape goes straight.</summary>
    /// <param name="hours">Hours since Monday 0:00, with their fraction.</param>
    public double? Between(double hours)
    {
        var hour = (int)hours;
        if (At(hour) is not { } here)
        {
            return null;
        }

        var fromMiddle = hours - hour - 0.5;
        var there = At((hour + (fromMiddle > 0 ? 1 : Hours - 1)) % Hours);
        return here + (Math.Abs(fromMiddle) * ((there ?? here) - here));
    }

    public void Save(BinaryWriter writer)
    {
        for (var hour = 0; hour < Hours; hour++)
        {
            writer.Write(_suspects[hour]);
            writer.Write(_counts[hour]);
            foreach (var mean in InOrder(hour, _counts[hour]))
            {
                writer.Write(mean);
            }
        }
    }

    public void Load(BinaryReader reader)
    {
        for (var hour = 0; hour < Hours; hour++)
        {
            _suspects[hour] = reader.ReadSingle();
            for (var count = reader.ReadByte(); count > 0; count--)
            {
                Learn(hour, reader.ReadSingle());
            }
        }
    }

    private double? Find(int hour)
    {
        Span<double> values = stackalloc double[7 * RecentWeeks];
        var count = 0;
        if (_counts[hour] >= WeeksNeeded)
        {
            foreach (var mean in InOrder(hour, _counts[hour]))
            {
                values[count++] = mean;
            }

            return Robust.Median(values[..count]);
        }

        for (var other = hour % 24; other < Hours; other += 24)
        {
            foreach (var mean in InOrder(other, Math.Min(RecentWeeks, (int)_counts[other])))
            {
                values[count++] = mean;
            }
        }

        return count >= DaysNeeded ? Robust.Median(values[..count]) : null;
    }

    /// <summary>The last <paramref name="count"/> means of an hour, oldest first.</summary>
    private IEnumerable<float> InOrder(int hour, int count)
    {
        for (var back = count; back > 0; back--)
        {
            yield return _means[(hour * Weeks) + ((_next[hour] + Weeks - back) % Weeks)];
        }
    }
}
