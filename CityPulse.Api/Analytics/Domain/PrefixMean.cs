namespace CityPulse.Api.Analytics.Domain;

/// <summary>Means over any stretch of a series at once, from running sums; what is not a number is left out.</summary>
internal sealed class PrefixMean
{
    private readonly double[] _sums;
    private readonly int[] _counts;

    public PrefixMean(int count, Func<int, double> value)
    {
        (_sums, _counts) = (new double[count + 1], new int[count + 1]);
        for (var i = 0; i < count; i++)
        {
            var v = value(i);
            var known = !double.IsNaN(v);
            _sums[i + 1] = _sums[i] + (known ? v : 0);
            _counts[i + 1] = _counts[i] + (known ? 1 : 0);
        }
    }

    /// <summary>The mean of <c>[from, to)</c>, cut at the series' ends; NaN where nothing is known.</summary>
    public double Over(int from, int to)
    {
        (from, to) = (Math.Clamp(from, 0, _counts.Length - 1), Math.Clamp(to, 0, _counts.Length - 1));
        return to > from && _counts[to] > _counts[from] ? (_sums[to] - _sums[from]) / (_counts[to] - _counts[from]) : double.NaN;
    }
}
