namespace CityPulse.Api.Energy.Domain;

/// <summary>
/// The share that was saved at equal weather: one model over both periods, <c>E = (1 − s·reporting)·(a + b·HDD + c·CDD)</c>, with the
/// balance points of the baseline. Each observation counts by its relative error, as what a building uses varies in proportion to its
/// level: so a mild day tells as much about the saved share as a hot one, which the sum of a year's savings does not use.
/// </summary>
/// <param name="Share">s.</param>
/// <param name="Uncertainty">The ± of it with 90 % confidence.</param>
internal readonly record struct NormalizedSavings(double Share, double Uncertainty)
{
    private const int MaxRounds = 100;
    /// <summary>A day's weight has a bound: no day is known better than to a twentieth of the mean.</summary>
    private const double LeastShareOfMean = 0.05;

    public static NormalizedSavings? Of(
        BaselineModel model, IReadOnlyList<BaselineObservation> baseline, IReadOnlyList<BaselineObservation> reported)
    {
        BaselineObservation[] all = [.. baseline, .. reported];
        double[] y = [.. all.Select(o => o.KWh / o.Days.Count)];
        var columns = model.Columns(all);
        var floor = LeastShareOfMean * y.Average();
        if (!(floor > 0) || all.Length <= columns.Length + 2)
        {
            return null;
        }

        double[] days = [.. all.Select(o => (double)o.Days.Count)];
        if (LeastSquares.Solve(columns, y, days) is not { } fitted)
        {
            return null;
        }

        var (share, level, weights) = (0.0, new double[y.Length], new double[y.Length]);
        for (var round = 0; round < MaxRounds; round++)
        {
            Weigh(fitted, share);
            double[] kept = [.. Enumerable.Range(0, y.Length).Select(i => i < baseline.Count ? 1 : 1 - share)];
            if (LeastSquares.Solve([.. columns.Select(c => c.Select((v, i) => v * kept[i]).ToArray())], y, weights) is not { } next)
            {
                return null;
            }

            fitted = next;
            Weigh(fitted, share);
            var (met, would) = (0.0, 0.0);
            for (var i = baseline.Count; i < y.Length; i++)
            {
                met += weights[i] * level[i] * y[i];
                would += weights[i] * level[i] * level[i];
            }

            var before = share;
            share = 1 - (met / would);
            if (Math.Abs(share - before) < 1e-12)
            {
                break;
            }
        }

        return double.IsFinite(share) && Uncertain() is { } uncertainty ? new(share, uncertainty) : null;

        // The level is what the model says without savings; weights are the inverse squares of what it says with them.
        void Weigh(double[] coefficients, double saved)
        {
            for (var i = 0; i < y.Length; i++)
            {
                level[i] = 0;
                for (var j = 0; j < columns.Length; j++)
                {
                    level[i] += coefficients[j] * columns[j][i];
                }

                var expected = Math.Max(floor, level[i] * (i < baseline.Count ? 1 : 1 - saved));
                weights[i] = days[i] / (expected * expected);
            }
        }

        // The inverse of the normal equations at the solution, widened where neighbours err together.
        double? Uncertain()
        {
            Weigh(fitted, share);
            double[][] slopes =
            [
                .. columns.Select(c => c.Select((v, i) => v * (i < baseline.Count ? 1 : 1 - share)).ToArray()),
                [.. level.Select((v, i) => i < baseline.Count ? 0 : -v)],
            ];
            var size = slopes.Length;
            var normal = new double[size, size];
            for (var i = 0; i < size; i++)
            {
                for (var j = 0; j < size; j++)
                {
                    normal[i, j] = LeastSquares.Sum(slopes[i], slopes[j], weights);
                }
            }

            if (LeastSquares.Invert(normal) is not { } inverse)
            {
                return null;
            }

            double[] errors = [.. y.Select((v, i) => Math.Sqrt(weights[i]) * (v - (level[i] * (i < baseline.Count ? 1 : 1 - share))))];
            var squares = errors.Sum(e => e * e);
            var together = errors.Zip(errors.Skip(1)).Sum(pair => pair.First * pair.Second);
            var autocorrelation = squares > 0 && baseline[0].Days.Count == 1 ? Math.Clamp(together / squares, 0, 0.99) : 0;
            var freedom = y.Length - size;
            return StudentT.Quantile95(freedom) * Math.Sqrt(
                squares / freedom * inverse[size - 1, size - 1] * (1 + autocorrelation) / (1 - autocorrelation));
        }
    }
}
