namespace CityPulse.Api.Analytics.Domain;

/// <summary>
/// A linear combination of what <see cref="ForecastFeatures"/> knows, one for each day ahead, fitted to the last weeks before the origin. Its
/// forecast is the median of what may come, not the mean.
/// </summary>
internal sealed class ForecastModel
{
    /// <summary>Days whose forecasts teach the model; it needs the four weeks before them too.</summary>
    public const int TrainingDays = 84;
    private const double Ridge = 0.0005;

    private readonly ForecastFeatures _features;
    private readonly bool _isNeverNegative;
    private readonly Dictionary<int, double[]> _weights = [];

    private ForecastModel(ForecastFeatures features, bool isNeverNegative) => (_features, _isNeverNegative) = (features, isNeverNegative);

    /// <summary>A model for every origin, fitted anew every seventh time.</summary>
    public static Forecaster Refitting(HourlySeries series, ForecastFeatures features, int leadDays)
    {
        const int Every = 7;
        var (n, model) = (0, default(ForecastModel));
        return origin =>
        {
            model = n++ % Every == 0 ? Fit(series, features, origin, leadDays) : model!;
            return hour => model.Predict(origin, hour);
        };
    }

    /// <summary>Fits a model to what lies before the origin.</summary>
    /// <param name="leadDays">Whole days ahead that it is to answer for.</param>
    public static ForecastModel Fit(HourlySeries series, ForecastFeatures features, int origin, int leadDays)
    {
        var isNeverNegative = true;
        for (var i = Math.Max(0, origin - (24 * (TrainingDays + 28))); i < origin && isNeverNegative; i++)
        {
            isNeverNegative = !(series[i] < 0);
        }

        var model = new ForecastModel(features, isNeverNegative);
        for (var day = 1; day <= leadDays; day++)
        {
            var fit = new LeastAbsoluteFit(ForecastFeatures.Prior, Ridge);
            for (var back = day; back < TrainingDays + day; back++)
            {
                var from = origin - (24 * back);
                for (var hour = from + (24 * (day - 1)); hour < from + (24 * day); hour++)
                {
                    if (from > 0 && !double.IsNaN(series[hour]) && features.Row(from, hour) is { } row)
                    {
                        fit.Add(row, series[hour]);
                    }
                }
            }

            model._weights[day] = fit.Solve();
        }

        return model;
    }

    /// <summary>The forecast of an hour from any origin not before the one that it was fitted at; NaN where nothing like it has been seen.</summary>
    public double Predict(int origin, int hour)
    {
        if (_features.Row(origin, hour) is not { } row)
        {
            return double.NaN;
        }

        var value = LeastAbsoluteFit.Dot(row, _weights[((hour - origin) / 24) + 1]);
        return _isNeverNegative ? Math.Max(0, value) : value;
    }
}
