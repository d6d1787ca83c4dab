using System.Globalization;
using CityPulse.Api.Analytics.Domain;

namespace CityPulse.Bench.Forecasts;

/// <summary>Day-ahead forecasts of every meter from a rolling origin, against both seasonal naive forecasts. The same on every machine.</summary>
internal static class ForecastReport
{
    /// <summary>A forecast needs four weeks of the usual and some weeks to learn from.</summary>
    private const int FirstOrigin = 24 * 7 * 8;

    public static void Print(Goals goals)
    {
        Console.WriteLine("| meter | days | MASE (week) | MASE (day) | error / naive week | error / naive day | WAPE | band holds |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        var all = new List<ForecastAccuracy>();
        foreach (var meter in MeterSeries.All(Subject.Repository))
        {
            var a = Judge(meter);
            all.Add(a);
            Line($"| {meter.Name}{(meter.IsSimulated ? " (simulated)" : "")} | {a.Hours / 24} | {a.Mase:0.000} | {a.MaseDay:0.000} | {a.RelativeToWeek:0.000} | {a.RelativeToDay:0.000} | {a.Wape:0.000} | {a.Coverage:0.000} |");
        }

        var (mase, coverage) = (Median(all.Select(a => a.Mase!.Value)), Median(all.Select(a => a.Coverage!.Value)));
        Line($"| **median** | | {mase:0.000} | {Median(all.Select(a => a.MaseDay!.Value)):0.000} | {Median(all.Select(a => a.RelativeToWeek!.Value)):0.000} | {Median(all.Select(a => a.RelativeToDay!.Value)):0.000} | {Median(all.Select(a => a.Wape!.Value)):0.000} | {coverage:0.000} |");
        goals.Add(string.Create(CultureInfo.InvariantCulture, $"forecast: MASE against weekly naive below 0.85 on the median meter ({mase:0.000})"), mase < 0.85);
        goals.Add(string.Create(CultureInfo.InvariantCulture, $"forecast: the 80 % band holds 75 to 85 % on the median meter ({coverage:0.000})"), coverage is >= 0.75 and <= 0.85);
    }

    /// <summary>Origins at midnight UTC.</summary>
    /// <param name="lastDays">Only so many of the last days, where the whole takes too long.</param>
    public static ForecastAccuracy Judge(MeterSeries meter, int? lastDays = null)
    {
        var series = meter.Energy;
        var first = FirstOrigin + ((24 - meter.Energy.Start.Hour) % 24);
        if (lastDays is { } days)
        {
            first += 24 * Math.Max(0, ((series.Count - first) / 24) - days);
        }

        var hours = RollingOrigin.Run(series, ForecastModel.Refitting(series, new ForecastFeatures(series, meter.Temperature), 1), first, series.Count, 24);
        return ForecastAccuracy.Of(series, hours);
    }

    private static double Median(IEnumerable<double> values) => Robust.Median(values.ToArray())!.Value;

    private static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
