namespace CityPulse.Api.Readings.Domain;

/// <summary>What is kept of the readings of one step of a <see cref="RollupGrid"/>.</summary>
/// <param name="Start">Of the step, in microseconds since 1970-01-01Z.</param>
/// <param name="CoveredSeconds">How much of the step lies within one interval of the sensor behind a reading of the step.</param>
internal readonly record struct Rollup(
    long Start, int Count, ExactSum Sum, double Min, double Max, double First, double Last, double CoveredSeconds)
{
    public static Rollup Of(long at, double value) => new(at, 1, new ExactSum(value, 0), value, value, value, value, 0);
}

/// <summary>Makes rollups of one sensor's readings, in order of time.</summary>
/// <param name="interval">The sensor's, in microseconds.</param>
internal sealed class RollupFold(RollupGrid grid, long interval)
{
    private Rollup _open;
    private long _latest;
    private double _covered;

    /// <summary>Takes the next reading.</summary>
    /// <returns>True when it begins a rollup behind another, which is <paramref name="finished"/> then.</returns>
    /// <exception cref="InvalidOperationException">The readings are not in order of time.</exception>
    public bool Add(long at, double value, out Rollup finished)
    {
        finished = default;
        if (_open.Count == 0)
        {
            Begin(at, value);
            return false;
        }

        if (at <= _latest)
        {
            throw new InvalidOperationException("Readings must come in order of time.");
        }

        if (at < _open.Start + grid.StepMicroseconds)
        {
            Cover(at);
            _latest = at;
            _open = _open with
            {
                Count = _open.Count + 1, Sum = _open.Sum + value, Min = Math.Min(_open.Min, value), Max = Math.Max(_open.Max, value), Last = value,
            };
            return false;
        }

        finished = Finish();
        Begin(at, value);
        return true;
    }

    /// <summary>After the last reading: the rollup that was begun, if any. The fold is empty then.</summary>
    public bool End(out Rollup finished)
    {
        var hasOpen = _open.Count > 0;
        finished = hasOpen ? Finish() : default;
        _open = default;
        return hasOpen;
    }

    private void Begin(long at, double value)
    {
        _open = Rollup.Of(grid.StartOf(at), value);
        (_latest, _covered) = (at, 0);
    }

    private Rollup Finish()
    {
        Cover(_open.Start + grid.StepMicroseconds);
        return _open with { CoveredSeconds = _covered / 1e6 };
    }

    private void Cover(long until) => _covered += Math.Min(interval, until - _latest);
}
