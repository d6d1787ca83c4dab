namespace CityPulse.Api.Analytics.Domain;

/// <param name="Lag">Buckets by which the second series follows the first; negative where it runs ahead.</param>
internal readonly record struct LaggedCorrelation(int Lag, double Pearson, int Pairs);

/// <summary>Pearson's correlation of two series on one raster, where NaN is unknown.</summary>
internal static class Correlation
{
    private const int FewestPairs = 3;
    /// <summary>What is constant but for rounding is constant.</summary>
    private const double Constant = 1e-12;
    private const double Tie = 1e-9;

    /// <summary>Of <c>a[i]</c> with <c>b[i + lag]</c>; null with fewer than three pairs, and where one of them is constant.</summary>
    public static LaggedCorrelation? At(double[] a, double[] b, int lag)
    {
        var (from, to) = (Math.Max(0, -lag), Math.Min(a.Length, b.Length - lag));
        var (count, sumA, sumB, largestA, largestB) = (0, 0.0, 0.0, 0.0, 0.0);
        for (var i = from; i < to; i++)
        {
            if (!double.IsNaN(a[i]) && !double.IsNaN(b[i + lag]))
            {
                (count, sumA, sumB) = (count + 1, sumA + a[i], sumB + b[i + lag]);
                (largestA, largestB) = (Math.Max(largestA, Math.Abs(a[i])), Math.Max(largestB, Math.Abs(b[i + lag])));
            }
        }

        if (count < FewestPairs || largestA == 0 || largestB == 0)
        {
            return null;
        }

        // Scaled to at most 1, so that no square overflows or vanishes.
        var (meanA, meanB) = (sumA / count / largestA, sumB / count / largestB);
        var (squaresA, squaresB, products) = (0.0, 0.0, 0.0);
        for (var i = from; i < to; i++)
        {
            if (!double.IsNaN(a[i]) && !double.IsNaN(b[i + lag]))
            {
                var (x, y) = ((a[i] / largestA) - meanA, (b[i + lag] / largestB) - meanB);
                (squaresA, squaresB, products) = (squaresA + (x * x), squaresB + (y * y), products + (x * y));
            }
        }

        var isConstant = Math.Sqrt(squaresA / count) < Constant || Math.Sqrt(squaresB / count) < Constant;
        var pearson = products / Math.Sqrt(squaresA) / Math.Sqrt(squaresB);
        return isConstant || !double.IsFinite(pearson) ? null : new LaggedCorrelation(lag, Math.Clamp(pearson, -1, 1), count);
    }

    /// <summary>The strongest correlation, of either sign, of all lags that keep half of the pairs; of equal ones the smallest lag.</summary>
    public static LaggedCorrelation? Best(double[] a, double[] b, int longestLag)
    {
        var fewest = Enumerable.Range(0, Math.Min(a.Length, b.Length)).Count(i => !double.IsNaN(a[i]) && !double.IsNaN(b[i])) / 2;
        LaggedCorrelation? best = null;
        foreach (var lag in Enumerable.Range(0, longestLag + 1).SelectMany(lag => lag == 0 ? [0] : new[] { lag, -lag }))
        {
            if (At(a, b, lag) is { } found && found.Pairs >= fewest && Math.Abs(found.Pearson) > Math.Abs(best?.Pearson ?? 0) + Tie)
            {
                best = found;
            }
        }

        return best;
    }
}
