using System.Globalization;

namespace CityPulse.Api.Energy.Domain;

/// <summary>How well a model tells the energy of the period that it was fitted to (ASHRAE Guideline 14). Shares, not percent.</summary>
/// <param name="CvRmse">Root of the mean square error over the mean.</param>
/// <param name="Nmbe">Mean error over the mean.</param>
/// <param name="R2">The share of the variance that the model explains.</param>
/// <param name="MonthlyCvRmse">The same of calendar months; null with too few of them.</param>
/// <param name="Autocorrelation">Of neighbouring residuals.</param>
internal sealed record BaselineFit(
    int Observations, int Parameters, double CvRmse, double Nmbe, double R2, double? MonthlyCvRmse, double? MonthlyNmbe, double Autocorrelation)
{
    public const double MonthlyCvRmseLimit = 0.15;
    public const double MonthlyNmbeLimit = 0.05;
    public const double HourlyCvRmseLimit = 0.30;
    public const double HourlyNmbeLimit = 0.10;

    private const int LeastMonths = 6;
    private const int LeastDaysOfMonth = 20;

    /// <summary>Observations that say something new: neighbours that err together count less (Guideline 14, annex B).</summary>
    public double EffectiveObservations => Observations * (1 - Autocorrelation) / (1 + Autocorrelation);

    /// <summary>
    /// Why the model does not pass; empty when it does. The guideline has limits for months and for hours. Daily models are held to the
    /// monthly ones by the errors of their months, and to the hourly ones where the months are too few.
    /// </summary>
    public IReadOnlyList<string> Failures()
    {
        var (cv, bias, cvLimit, biasLimit, what) = MonthlyCvRmse is { } monthly
            ? (monthly, MonthlyNmbe!.Value, MonthlyCvRmseLimit, MonthlyNmbeLimit, "monthly")
            : (CvRmse, Nmbe, HourlyCvRmseLimit, HourlyNmbeLimit, "daily");
        var failures = new List<string>();
        if (!(cv <= cvLimit))
        {
            failures.Add(string.Create(CultureInfo.InvariantCulture, $"The {what} CV(RMSE) is {cv:P1}, above {cvLimit:P0}."));
        }

        if (!(Math.Abs(bias) <= biasLimit))
        {
            failures.Add(string.Create(CultureInfo.InvariantCulture, $"The {what} NMBE is {bias:P1}, beyond {biasLimit:P0}."));
        }

        return failures;
    }

    public static BaselineFit Of(BaselineModel model, IReadOnlyList<BaselineObservation> observations, bool monthly)
    {
        double[] errors = [.. observations.Select(o => o.KWh - model.PredictKWh(o))];
        var (count, parameters) = (observations.Count, model.Parameters);
        var mean = observations.Average(o => o.KWh);
        var variance = observations.Sum(o => (o.KWh - mean) * (o.KWh - mean));
        var squares = errors.Sum(e => e * e);
        var (monthlyCv, monthlyNmbe) = monthly
            ? (CvRmseOf(errors, mean, parameters), NmbeOf(errors, mean, parameters))
            : OfMonths(observations, errors, parameters);
        return new BaselineFit(
            count, parameters, CvRmseOf(errors, mean, parameters), NmbeOf(errors, mean, parameters),
            variance > 0 ? 1 - (squares / variance) : 0, monthlyCv, monthlyNmbe, monthly ? 0 : Lag1(observations, errors, squares));
    }

    /// <summary>
    /// The ± of the energy that the model would have expected, with 90 % confidence: the fractional savings uncertainty of Guideline 14
    /// (annex B) times the savings. 1.26 is the guideline's allowance for what the simple formula leaves out.
    /// </summary>
    public double UncertaintyKWh(double expectedKWh, int reported)
    {
        var effective = Math.Max(EffectiveObservations, Parameters + 1);
        var cv = CvRmse * Math.Sqrt((Observations - Parameters) / Math.Max(1, effective - Parameters));
        return StudentT.Quantile95(effective - Parameters) * 1.26 * cv
            * Math.Sqrt(Observations / effective * (1 + (2 / effective)) / reported) * expectedKWh;
    }

    private static (double? CvRmse, double? Nmbe) OfMonths(IReadOnlyList<BaselineObservation> observations, double[] errors, int parameters)
    {
        var months = Enumerable.Range(0, errors.Length)
            .GroupBy(i => (observations[i].From.Year, observations[i].From.Month))
            .Where(m => m.Count() >= LeastDaysOfMonth)
            .Select(m => (Error: m.Average(i => errors[i]), KWh: m.Average(i => observations[i].KWh)))
            .ToList();
        if (months.Count < LeastMonths)
        {
            return (null, null);
        }

        double[] of = [.. months.Select(m => m.Error)];
        var mean = months.Average(m => m.KWh);
        return (CvRmseOf(of, mean, parameters), NmbeOf(of, mean, parameters));
    }

    private static double CvRmseOf(double[] errors, double mean, int parameters) =>
        mean > 0 ? Math.Sqrt(errors.Sum(e => e * e) / Math.Max(1, errors.Length - parameters)) / mean : double.PositiveInfinity;

    private static double NmbeOf(double[] errors, double mean, int parameters) =>
        mean > 0 ? errors.Sum() / Math.Max(1, errors.Length - parameters) / mean : double.PositiveInfinity;

    private static double Lag1(IReadOnlyList<BaselineObservation> observations, double[] errors, double squares)
    {
        var together = 0.0;
        for (var i = 1; i < errors.Length; i++)
        {
            together += observations[i].From == observations[i - 1].From.AddDays(1) ? errors[i] * errors[i - 1] : 0;
        }

        // Errors that alternate would make the guideline's formula promise more than the data hold.
        return squares > 0 ? Math.Clamp(together / squares, 0, 0.99) : 0;
    }
}
