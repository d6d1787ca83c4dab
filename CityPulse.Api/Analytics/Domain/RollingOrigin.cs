namespace CityPulse.Api.Analytics.Domain;

/// <summary>One forecast hour of a backtest.</summary>
/// <param name="Low">The band that would have been shown, from the errors known at that origin; NaN before there were enough.</param>
internal readonly record struct BacktestHour(int Origin, int Hour, double Actual, double Forecast, double NaiveWeek, double NaiveDay, double Low, double High)
{
    public int Lead => Hour - Origin;
}

/// <summary>What forecasts every hour ahead of an origin, from what is known there.</summary>
internal delegate Func<int, double> Forecaster(int origin);

/// <summary>Replays the past: a forecast from an origin every 24 hours, each with what was known there.</summary>
internal static class RollingOrigin
{
    /// <summary>Hours of forecasts and of what came, as far as both are known.</summary>
    /// <param name="first">The first origin; the following ones are whole days later.</param>
    /// <param name="end">Hours from here on are not looked at.</param>
    public static List<BacktestHour> Run(HourlySeries series, Forecaster forecaster, int first, int end, int horizon)
    {
        var hours = new List<BacktestHour>();
        var bands = new ErrorBands(horizon);
        var open = new Queue<BacktestHour>();
        for (var origin = first; origin < end; origin += 24)
        {
            while (open.TryPeek(out var known) && known.Hour < origin)
            {
                open.Dequeue();
                bands.Learn(known.Lead, known.Actual - known.Forecast);
            }

            var forecast = forecaster(origin);
            for (var hour = origin; hour < Math.Min(origin + horizon, end); hour++)
            {
                var (actual, value) = (series[hour], forecast(hour));
                if (double.IsNaN(actual) || double.IsNaN(value))
                {
                    continue;
                }

                var (below, above) = bands.At(hour - origin) ?? (double.NaN, double.NaN);
                var judged = new BacktestHour(
                    origin, hour, actual, value, SeasonalNaive.Of(series, origin, hour, 168), SeasonalNaive.Of(series, origin, hour, 24),
                    value + below, value + above);
                hours.Add(judged);
                open.Enqueue(judged);
            }
        }

        return hours;
    }
}

/// <summary>The same hour a season before, of the last season that is known at the origin.</summary>
internal static class SeasonalNaive
{
    public static double Of(HourlySeries series, int origin, int hour, int season)
    {
        var at = hour - (season * (((hour - origin) / season) + 1));
        for (var tries = 0; tries < 4 && at >= 0; tries++, at -= season)
        {
            if (!double.IsNaN(series[at]))
            {
                return series[at];
            }
        }

        return double.NaN;
    }
}

/// <summary>
/// Errors of past forecasts by lead hour: the 80 % band of the next one is where four fifths of the last eight weeks' errors lay, with
/// the neighbouring hours' errors for company.
/// </summary>
internal sealed class ErrorBands(int horizon)
{
    public const double Share = 0.8;
    private const int Origins = 56;
    private const int Needed = 12;

    private readonly Queue<double>[] _errors = [.. Enumerable.Range(0, horizon).Select(_ => new Queue<double>())];

    public void Learn(int lead, double error)
    {
        _errors[lead].Enqueue(error);
        if (_errors[lead].Count > Origins)
        {
            _errors[lead].Dequeue();
        }
    }

    /// <summary>What to add to a forecast for the ends of its band; null while there are too few errors.</summary>
    public (double Below, double Above)? At(int lead)
    {
        var errors = new List<double>();
        for (var near = Math.Max(0, lead - 1); near <= Math.Min(horizon - 1, lead + 1); near++)
        {
            errors.AddRange(_errors[near]);
        }

        if (errors.Count < Needed)
        {
            return null;
        }

        errors.Sort();
        // One more than there are errors: the next one is a draw too, and may lie outside all of them.
        var tail = (1 - Share) / 2 * (errors.Count + 1);
        return (At(errors, tail - 1), At(errors, errors.Count - tail));
    }

    /// <summary>As <see cref="At(int)"/>; where a lead has too few errors, those of the same hour a day less far ahead stand in.</summary>
    public (double Below, double Above)? AtOrNearer(int lead)
    {
        for (; lead >= 0; lead -= 24)
        {
            if (At(lead) is { } band)
            {
                return band;
            }
        }

        return null;
    }

    private static double At(List<double> sorted, double place)
    {
        place = Math.Clamp(place, 0, sorted.Count - 1);
        var below = (int)place;
        var above = Math.Min(below + 1, sorted.Count - 1);
        return sorted[below] + ((place - below) * (sorted[above] - sorted[below]));
    }
}
