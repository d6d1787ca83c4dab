namespace CityPulse.Api.Analytics.Domain;

/// <summary>
/// What is known, at an origin, of an hour that lies ahead of it: naive forecasts of several kinds, how far the last hours were off the usual, and
/// how much colder or warmer the last day was than the weeks that make up the usual. Nothing here looks at or behind the origin. Of the
/// temperature too only the past is used, so a change of the weather is seen a day late.
/// </summary>
internal sealed class ForecastFeatures
{
    /// <summary>Weights before any data has spoken: the first four columns are forecasts by themselves.</summary>
    public static readonly double[] Prior = [0.5, 0.1, 0.2, 0.2, 0, 0, 0, 0, 0, 0, 0, 0];

    private const int Weeks = 4;
    private const int WeekHours = 168;
    private const double HeatingBaseC = 15.5;
    private const double CoolingBaseC = 18;

    /// <summary>In so many hours what the last three were off the usual has faded to a third.</summary>
    private const double MemoryHours = 4;

    private readonly HourlySeries _series;
    private readonly double[] _usual;
    private readonly PrefixMean _offUsual;
    private readonly PrefixMean? _heating;
    private readonly PrefixMean? _cooling;
    private readonly Dictionary<int, double[]> _sevenDays = [];

    public ForecastFeatures(HourlySeries series, HourlySeries? temperature)
    {
        _series = series;
        _usual = [.. Enumerable.Range(0, series.Count).Select(i => MedianOfDays(i, first: 7, step: 7, count: Weeks))];
        _offUsual = new PrefixMean(series.Count, i => series[i] - _usual[i]);
        if (temperature is not null)
        {
            _heating = new PrefixMean(temperature.Count, i => Math.Max(0, HeatingBaseC - temperature[i]));
            _cooling = new PrefixMean(temperature.Count, i => Math.Max(0, temperature[i] - CoolingBaseC));
        }
    }

    /// <summary>The columns for one hour; null where nothing like it has been seen.</summary>
    /// <param name="origin">The first hour that is not known.</param>
    /// <param name="hour">The hour asked for, at the origin or after it.</param>
    public double[]? Row(int origin, int hour)
    {
        var days = ((hour - origin) / 24) + 1;
        var usual = _usual[hour];
        var sevenDays = SevenDays(days)[hour];
        usual = double.IsNaN(usual) ? sevenDays : usual;
        if (double.IsNaN(usual))
        {
            return null;
        }

        sevenDays = Or(sevenDays, usual);
        var lead = hour - origin;
        var (heating, cooling) = (Beyond(_heating, origin, hour), Beyond(_cooling, origin, hour));
        return
        [
            usual,
            Or(_series[Before(hour, 7, isNearest: days == 7)], usual),
            Or(_series[Before(hour, days, isNearest: true)], sevenDays),
            sevenDays,
            Or(_offUsual.Over(origin - 24, origin), 0),
            Or(_offUsual.Over(origin - 3, origin), 0) * Math.Exp(-lead / MemoryHours),
            Or(_offUsual.Over(origin - WeekHours, origin), 0),
            heating, heating * usual, cooling, cooling * usual,
            1,
        ];
    }

    /// <summary>The same hour on the place's clock; of the nearest day never one that a change of clocks would move onto the origin.</summary>
    private int Before(int hour, int days, bool isNearest) =>
        isNearest ? Math.Min(_series.DaysBefore(hour, days), hour - (24 * days)) : _series.DaysBefore(hour, days);

    private double[] SevenDays(int days)
    {
        if (!_sevenDays.TryGetValue(days, out var medians))
        {
            _sevenDays[days] = medians = [.. Enumerable.Range(0, _series.Count).Select(i => MedianOfDays(i, first: days, step: 1, count: 7))];
        }

        return medians;
    }

    private double MedianOfDays(int hour, int first, int step, int count)
    {
        Span<double> values = stackalloc double[count];
        var known = 0;
        for (var i = 0; i < count; i++)
        {
            var value = _series[Before(hour, first + (i * step), isNearest: i == 0)];
            if (!double.IsNaN(value))
            {
                values[known++] = value;
            }
        }

        return Robust.Median(values[..known]) ?? double.NaN;
    }

    /// <summary>How much more heating (or cooling) the last day asked for than the days that the usual comes from.</summary>
    private static double Beyond(PrefixMean? degrees, int origin, int hour)
    {
        if (degrees is null)
        {
            return 0;
        }

        var (sum, count) = (0.0, 0);
        for (var week = 1; week <= Weeks; week++)
        {
            var middle = hour - (WeekHours * week);
            var mean = degrees.Over(middle - 12, Math.Min(middle + 12, origin));
            if (!double.IsNaN(mean))
            {
                (sum, count) = (sum + mean, count + 1);
            }
        }

        return count > 0 ? Or(degrees.Over(origin - 24, origin) - (sum / count), 0) : 0;
    }

    private static double Or(double value, double other) => double.IsNaN(value) ? other : value;
}
