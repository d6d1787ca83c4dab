namespace CityPulse.Api.Energy.Domain;

/// <summary>Small systems of normal equations.</summary>
internal static class LeastSquares
{
    /// <summary>Coefficients of the columns that fit <paramref name="y"/> best under <paramref name="weights"/>; null when columns say the same.</summary>
    public static double[]? Solve(double[][] columns, double[] y, double[] weights)
    {
        var size = columns.Length;
        var normal = new double[size, size];
        var right = new double[size];
        for (var i = 0; i < size; i++)
        {
            for (var j = i; j < size; j++)
            {
                normal[i, j] = normal[j, i] = Sum(columns[i], columns[j], weights);
            }

            right[i] = Sum(columns[i], y, weights);
        }

        return Invert(normal) is { } inverse
            ? [.. Enumerable.Range(0, size).Select(i => Enumerable.Range(0, size).Sum(j => inverse[i, j] * right[j]))]
            : null;
    }

    /// <summary>Gauss–Jordan with pivots; null when the matrix is singular.</summary>
    public static double[,]? Invert(double[,] matrix)
    {
        var size = matrix.GetLength(0);
        var work = (double[,])matrix.Clone();
        var inverse = new double[size, size];
        var scale = 0.0;
        for (var i = 0; i < size; i++)
        {
            inverse[i, i] = 1;
            scale = Math.Max(scale, Math.Abs(matrix[i, i]));
        }

        for (var column = 0; column < size; column++)
        {
            var pivot = Enumerable.Range(column, size - column).MaxBy(row => Math.Abs(work[row, column]));
            if (!(Math.Abs(work[pivot, column]) > scale * 1e-13))
            {
                return null;
            }

            for (var j = 0; j < size; j++)
            {
                (work[column, j], work[pivot, j]) = (work[pivot, j], work[column, j]);
                (inverse[column, j], inverse[pivot, j]) = (inverse[pivot, j], inverse[column, j]);
            }

            var head = work[column, column];
            for (var j = 0; j < size; j++)
            {
                work[column, j] /= head;
                inverse[column, j] /= head;
            }

            for (var row = 0; row < size; row++)
            {
                var factor = row == column ? 0 : work[row, column];
                for (var j = 0; factor != 0 && j < size; j++)
                {
                    work[row, j] -= factor * work[column, j];
                    inverse[row, j] -= factor * inverse[column, j];
                }
            }
        }

        return inverse;
    }

    public static double Sum(double[] a, double[] b, double[] weights)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += weights[i] * a[i] * b[i];
        }

        return sum;
    }
}

/// <summary>Student's t distribution.</summary>
internal static class StudentT
{
    private const double Normal95 = 1.6448536269514722;

    /// <summary>
    /// The value that t stays below with 95 % probability, that is, within ± with 90 %: the expansion of Cornish and Fisher around the
    /// normal's (Abramowitz and Stegun, 26.7.5), good to 0.01 from 4 degrees of freedom on.
    /// </summary>
    public static double Quantile95(double degreesOfFreedom)
    {
        var (z, v) = (Normal95, Math.Max(1, degreesOfFreedom));
        var z2 = z * z;
        return z
            + (z * (z2 + 1) / (4 * v))
            + (z * ((((5 * z2) + 16) * z2) + 3) / (96 * v * v))
            + (z * ((((((3 * z2) + 19) * z2) + 17) * z2) - 15) / (384 * v * v * v));
    }
}
