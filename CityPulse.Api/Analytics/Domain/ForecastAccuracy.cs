namespace CityPulse.Api.Analytics.Domain;

/// <summary>How good forecasts were, over the hours of a backtest of which all is known.</summary>
/// <param name="Mase">Mean of the absolute errors, each over the weekly naive forecast's mean absolute error in the history before its origin (Hyndman and Koehler 2006).</param>
/// <param name="MaseDay">The same over the daily naive forecast.</param>
/// <param name="RelativeToWeek">Mean absolute error over that of the weekly naive forecast of the very same hours.</param>
/// <param name="RelativeToDay">The same for the daily naive forecast.</param>
/// <param name="Wape">Sum of absolute errors over the sum of absolute values; null where that is 0.</param>
/// <param name="Coverage">Share of the hours that lay within the band that was shown for them; null where there was none.</param>
internal sealed record ForecastAccuracy(
    int Hours, double MeanError, double? Mase, double? MaseDay, double? RelativeToWeek, double? RelativeToDay, double? Wape, double? Coverage)
{
    /// <summary>Better than both naive forecasts of the same hours.</summary>
    public bool BeatsNaive => RelativeToWeek < 1 && RelativeToDay < 1;

    public static ForecastAccuracy Of(HourlySeries series, IReadOnlyCollection<BacktestHour> hours)
    {
        var judged = hours.Where(h => !double.IsNaN(h.NaiveWeek) && !double.IsNaN(h.NaiveDay)).ToList();
        var banded = hours.Where(h => !double.IsNaN(h.Low)).ToList();
        if (judged.Count == 0)
        {
            return new ForecastAccuracy(0, 0, null, null, null, null, null, null);
        }

        var error = judged.Average(h => Math.Abs(h.Actual - h.Forecast));
        return new ForecastAccuracy(
            judged.Count,
            error,
            Scaled(series, judged, 168),
            Scaled(series, judged, 24),
            Ratio(error, judged.Average(h => Math.Abs(h.Actual - h.NaiveWeek))),
            Ratio(error, judged.Average(h => Math.Abs(h.Actual - h.NaiveDay))),
            Ratio(error, judged.Average(h => Math.Abs(h.Actual))),
            banded.Count > 0 ? banded.Count(h => h.Actual >= h.Low && h.Actual <= h.High) / (double)banded.Count : null);
    }

    private static double? Scaled(HourlySeries series, List<BacktestHour> hours, int season)
    {
        var naive = new PrefixMean(series.Count, i => Math.Abs(series[i] - series[i - season]));
        var mase = hours.Average(h => Math.Abs(h.Actual - h.Forecast) / naive.Over(season, h.Origin));
        return double.IsFinite(mase) ? mase : null;
    }

    /// <summary>Null where there is nothing to compare with.</summary>
    private static double? Ratio(double error, double scale) => scale > 0 && double.IsFinite(error / scale) ? error / scale : null;
}
