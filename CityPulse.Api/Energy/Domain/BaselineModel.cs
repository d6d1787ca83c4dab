namespace CityPulse.Api.Energy.Domain;

/// <summary>
/// Energy of a day as a function of its weather: <c>a + b·HDD(Th) + c·CDD(Tc)</c>, after CalTRACK 2.0. A balance point is null where the
/// model has no such part.
/// </summary>
internal sealed record BaselineModel(
    DegreeDayKind Kind, double InterceptKWh, double? HeatingBalanceC, double HeatingKWhPerDegreeDay, double? CoolingBalanceC, double CoolingKWhPerDegreeDay)
{
    /// <summary>CalTRACK: a part of the model must have been seen at work.</summary>
    private const int LeastDays = 10;
    private const double LeastDegreeDays = 20;
    private const double LowestBalanceC = -2;
    private const double HighestBalanceC = 32;
    private const double StepC = 0.5;

    public string Name => (HeatingBalanceC, CoolingBalanceC) switch
    {
        (null, null) => "constant",
        (_, null) => "heating",
        (null, _) => "cooling",
        _ => "heating_cooling",
    };

    /// <summary>Coefficients, without the balance points.</summary>
    public int Parameters => 1 + (HeatingBalanceC is null ? 0 : 1) + (CoolingBalanceC is null ? 0 : 1);

    public double PredictKWh(BaselineObservation observation)
    {
        var day = InterceptKWh
            + (HeatingBalanceC is { } h ? HeatingKWhPerDegreeDay * observation.Heating(h, Kind) : 0)
            + (CoolingBalanceC is { } c ? CoolingKWhPerDegreeDay * observation.Cooling(c, Kind) : 0);
        return Math.Max(0, day) * observation.Days.Count;
    }

    /// <summary>The columns of the model's linear part, per day.</summary>
    public double[][] Columns(IReadOnlyList<BaselineObservation> observations)
    {
        var columns = new List<double[]> { Ones(observations.Count) };
        if (HeatingBalanceC is { } h)
        {
            columns.Add([.. observations.Select(o => o.Heating(h, Kind))]);
        }

        if (CoolingBalanceC is { } c)
        {
            columns.Add([.. observations.Select(o => o.Cooling(c, Kind))]);
        }

        return [.. columns];
    }

    /// <summary>
    /// Searches all balance points in steps of half a kelvin, with both kinds of degree days, for the model with the least information
    /// criterion of Schwarz (BIC), which a further part or balance point must earn. Null with fewer than three observations.
    /// </summary>
    public static BaselineModel? Search(IReadOnlyList<BaselineObservation> observations)
    {
        if (observations.Count < 3)
        {
            return null;
        }

        double[] y = [.. observations.Select(o => o.KWh / o.Days.Count)];
        double[] weights = [.. observations.Select(o => (double)o.Days.Count)];
        (double Criterion, BaselineModel? Model) best = (double.PositiveInfinity, null);
        Try(new BaselineModel(DegreeDayKind.DailyMean, 0, null, 0, null, 0), [Ones(y.Length)]);
        foreach (var kind in Enum.GetValues<DegreeDayKind>())
        {
            var heating = Candidates(observations, (o, t) => o.Heating(t, kind));
            var cooling = Candidates(observations, (o, t) => o.Cooling(t, kind));
            var one = Ones(y.Length);
            foreach (var (h, hdd) in heating)
            {
                Try(new BaselineModel(kind, 0, h, 0, null, 0), [one, hdd]);
                foreach (var (c, cdd) in cooling.Where(candidate => candidate.BalanceC >= h))
                {
                    Try(new BaselineModel(kind, 0, h, 0, c, 0), [one, hdd, cdd]);
                }
            }

            foreach (var (c, cdd) in cooling)
            {
                Try(new BaselineModel(kind, 0, null, 0, c, 0), [one, cdd]);
            }
        }

        return best.Model;

        void Try(BaselineModel shape, double[][] columns)
        {
            var parts = columns.Length - 1;
            if (y.Length <= columns.Length + 1 || LeastSquares.Solve(columns, y, weights) is not { } fitted || fitted.Skip(1).Any(k => !(k > 0)))
            {
                return; // Heating that falls with the cold is no heating.
            }

            var squares = 0.0;
            for (var i = 0; i < y.Length; i++)
            {
                var error = y[i];
                for (var j = 0; j < columns.Length; j++)
                {
                    error -= fitted[j] * columns[j][i];
                }

                squares += weights[i] * error * error;
            }

            var criterion = (y.Length * Math.Log(Math.Max(squares, 1e-12) / y.Length)) + ((columns.Length + parts) * Math.Log(y.Length));
            if (criterion < best.Criterion)
            {
                best = (criterion, shape with
                {
                    InterceptKWh = fitted[0],
                    HeatingKWhPerDegreeDay = shape.HeatingBalanceC is null ? 0 : fitted[1],
                    CoolingKWhPerDegreeDay = shape.CoolingBalanceC is null ? 0 : fitted[^1],
                });
            }
        }
    }

    private static List<(double BalanceC, double[] DegreeDays)> Candidates(
        IReadOnlyList<BaselineObservation> observations, Func<BaselineObservation, double, double> degreeDays)
    {
        var candidates = new List<(double, double[])>();
        for (var balanceC = LowestBalanceC; balanceC <= HighestBalanceC; balanceC += StepC)
        {
            double[] column = [.. observations.Select(o => degreeDays(o, balanceC))];
            var (days, sum) = (0, 0.0);
            for (var i = 0; i < column.Length; i++)
            {
                days += column[i] > 0 ? observations[i].Days.Count : 0;
                sum += column[i] * observations[i].Days.Count;
            }

            if (days >= LeastDays && sum >= LeastDegreeDays)
            {
                candidates.Add((balanceC, column));
            }
        }

        return candidates;
    }

    private static double[] Ones(int count)
    {
        var ones = new double[count];
        Array.Fill(ones, 1);
        return ones;
    }
}
