namespace CityPulse.Api.Analytics.Domain;

/// <summary>
/// Linear regression that minimises absolute errors (iteratively reweighted least squares), drawn towards given weights: with little data the
/// prior speaks, with much the data. The normal equations are solved by Cholesky; they are positive definite because of the ridge.
/// </summary>
internal sealed class LeastAbsoluteFit(double[] prior, double ridge)
{
    private const int Rounds = 8;

    private readonly int _size = prior.Length;
    private readonly List<double[]> _rows = [];
    private readonly List<double> _targets = [];

    public int Count => _targets.Count;

    public void Add(double[] row, double target)
    {
        _rows.Add(row);
        _targets.Add(target);
    }

    /// <summary>One weight a column; the prior itself without data.</summary>
    public double[] Solve()
    {
        var weights = (double[])prior.Clone();
        if (Count == 0)
        {
            return weights;
        }

        var scales = Scales();
        for (var round = 0; round < Rounds; round++)
        {
            weights = Step(weights, scales);
        }

        return weights;
    }

    private double[] Step(double[] weights, double[] scales)
    {
        var residuals = new double[Count];
        for (var i = 0; i < Count; i++)
        {
            residuals[i] = Math.Abs(_targets[i] - Dot(_rows[i], weights));
        }

        var typical = residuals.Average();
        if (typical == 0)
        {
            return weights;
        }

        // A residual of 0 would weigh infinitely much; a fiftieth of the typical one is as good as none.
        var least = typical / 50;
        var normal = new double[_size, _size];
        var right = new double[_size];
        for (var i = 0; i < Count; i++)
        {
            var importance = typical / Math.Max(residuals[i], least);
            var row = _rows[i];
            for (var a = 0; a < _size; a++)
            {
                var weighted = importance * row[a];
                right[a] += weighted * _targets[i];
                for (var b = 0; b <= a; b++)
                {
                    normal[a, b] += weighted * row[b];
                }
            }
        }

        for (var a = 0; a < _size; a++)
        {
            var pull = ridge * Count * scales[a];
            normal[a, a] += pull;
            right[a] += pull * prior[a];
        }

        return Cholesky(normal, right);
    }

    /// <summary>Mean square of each column, so that the ridge means the same for all of them.</summary>
    private double[] Scales()
    {
        var scales = new double[_size];
        foreach (var row in _rows)
        {
            for (var a = 0; a < _size; a++)
            {
                scales[a] += row[a] * row[a] / Count;
            }
        }

        for (var a = 0; a < _size; a++)
        {
            scales[a] = scales[a] > 0 ? scales[a] : 1;
        }

        return scales;
    }

    public static double Dot(double[] row, double[] weights)
    {
        var sum = 0.0;
        for (var a = 0; a < row.Length; a++)
        {
            sum += row[a] * weights[a];
        }

        return sum;
    }

    private double[] Cholesky(double[,] matrix, double[] right)
    {
        for (var j = 0; j < _size; j++)
        {
            for (var k = 0; k < j; k++)
            {
                for (var i = j; i < _size; i++)
                {
                    matrix[i, j] -= matrix[i, k] * matrix[j, k];
                }
            }

            var root = Math.Sqrt(Math.Max(matrix[j, j], double.Epsilon));
            for (var i = j; i < _size; i++)
            {
                matrix[i, j] /= root;
            }
        }

        var solution = (double[])right.Clone();
        for (var i = 0; i < _size; i++)
        {
            for (var k = 0; k < i; k++)
            {
                solution[i] -= matrix[i, k] * solution[k];
            }

            solution[i] /= matrix[i, i];
        }

        for (var i = _size - 1; i >= 0; i--)
        {
            for (var k = i + 1; k < _size; k++)
            {
                solution[i] -= matrix[k, i] * solution[k];
            }

            solution[i] /= matrix[i, i];
        }

        return solution;
    }
}
