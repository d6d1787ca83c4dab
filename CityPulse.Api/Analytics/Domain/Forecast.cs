namespace CityPulse.Api.Analytics.Domain;

internal enum ForecastMethod
{
    /// <summary>Too little is known.</summary>
    None,
    /// <summary>The regression of <see cref="ForecastModel"/>: it beat both naive forecasts.</summary>
    Regression,
    /// <summary>The hour a week before.</summary>
    SeasonalNaiveWeek,
    /// <summary>The hour a day before.</summary>
    SeasonalNaiveDay,
}

/// <summary>One hour ahead with its 80 % band.</summary>
internal readonly record struct ForecastPoint(DateTimeOffset At, double Value, double Low, double High);

/// <param name="Accuracy">Of the method, in the backtest.</param>
/// <param name="RegressionAccuracy">Of the regression, where it was not good enough to be shown; null where it could not be judged.</param>
internal sealed record ForecastResult(
    ForecastMethod Method, IReadOnlyList<ForecastPoint> Points, ForecastAccuracy? Accuracy, ForecastAccuracy? RegressionAccuracy);

/// <summary>
/// The next hours of a series. The regression is shown only where it beat both seasonal naive forecasts over the last weeks, each hour forecast
/// with what was known then; else the better naive is shown and named as what it is.
/// </summary>
internal static class Forecast
{
    public const int LongestHours = 168;
    /// <summary>So much history is of use: eight weeks of backtest, behind twelve to learn from, behind four that make the usual.</summary>
    public const int HistoryDays = BacktestDays + ForecastModel.TrainingDays + 28;

    private const int BacktestDays = 56;
    private const int FewestBacktestDays = 14;
    private const int FewestDaysBefore = 35;
    private const int FewestDays = 14;

    /// <param name="series">The past, with unknown hours at the end for those to be forecast.</param>
    /// <param name="temperature">Outdoors, in °C, on the same hours; only what lies before the origin is used.</param>
    /// <param name="origin">The first hour to forecast.</param>
    public static ForecastResult Make(HourlySeries series, HourlySeries? temperature, int origin, int horizon)
    {
        var first = 0;
        while (first < origin && double.IsNaN(series[first]))
        {
            first++;
        }

        var days = (origin - first) / 24;
        if (days < FewestDays)
        {
            return new ForecastResult(ForecastMethod.None, [], null, null);
        }

        var leadDays = ((horizon - 1) / 24) + 1;
        ForecastAccuracy? regression = null;
        if (days >= FewestDaysBefore + FewestBacktestDays + leadDays - 1)
        {
            var features = new ForecastFeatures(series, temperature);
            var back = Math.Min(BacktestDays, days - FewestDaysBefore);
            var backtest = RollingOrigin.Run(series, ForecastModel.Refitting(series, features, leadDays), origin - (24 * back), origin, horizon);
            regression = ForecastAccuracy.Of(series, backtest);
            if (regression.BeatsNaive)
            {
                var model = ForecastModel.Fit(series, features, origin, leadDays);
                return new ForecastResult(ForecastMethod.Regression, Points(series, backtest, hour => model.Predict(origin, hour), origin, horizon), regression, null);
            }
        }

        var naive = new[] { 168, 24 }.Select(season => (Season: season, Backtest: Naive(series, season, origin, days, horizon)))
            .Select(n => (n.Season, n.Backtest, Accuracy: ForecastAccuracy.Of(series, n.Backtest)))
            .Where(n => n.Accuracy.Hours > 0)
            .OrderBy(n => n.Accuracy.MeanError).ThenByDescending(n => n.Season).ToList();
        if (naive.Count == 0)
        {
            return new ForecastResult(ForecastMethod.None, [], null, regression);
        }

        var best = naive[0];
        return new ForecastResult(
            best.Season == 168 ? ForecastMethod.SeasonalNaiveWeek : ForecastMethod.SeasonalNaiveDay,
            Points(series, best.Backtest, hour => SeasonalNaive.Of(series, origin, hour, best.Season), origin, horizon),
            best.Accuracy,
            regression);
    }

    private static List<BacktestHour> Naive(HourlySeries series, int season, int origin, int days, int horizon)
    {
        var first = origin - (24 * Math.Min(BacktestDays, days - 7));
        return RollingOrigin.Run(series, at => hour => SeasonalNaive.Of(series, at, hour, season), first, origin, horizon);
    }

    private static List<ForecastPoint> Points(
        HourlySeries series, List<BacktestHour> backtest, Func<int, double> forecast, int origin, int horizon)
    {
        var bands = new ErrorBands(horizon);
        backtest.ForEach(h => bands.Learn(h.Lead, h.Actual - h.Forecast));
        var least = Enumerable.Range(0, origin).All(i => !(series[i] < 0)) ? 0 : double.NegativeInfinity;
        var points = new List<ForecastPoint>(horizon);
        for (var hour = origin; hour < origin + horizon; hour++)
        {
            var value = forecast(hour);
            if (double.IsFinite(value) && bands.AtOrNearer(hour - origin) is var (below, above))
            {
                // The middle of skewed errors may lie beside 0; a band that leaves its own forecast out would puzzle everybody.
                points.Add(new ForecastPoint(
                    series.TimeOf(hour), value, Math.Max(least, Math.Min(value, value + below)), Math.Max(value, value + above)));
            }
        }

        return points;
    }
}
