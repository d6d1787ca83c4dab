using System.Diagnostics;
using System.Globalization;

namespace CityPulse.Bench.Detector;

/// <summary>Prints what the detector finds in the labelled series. No measurement of time but the last line: the table is the same on every machine.</summary>
internal static class DetectorReport
{
    public static void Print(Goals goals)
    {
        var start = Stopwatch.GetTimestamp();
        var series = LabelledSeries.All(Subject.Repository);
        var results = series.Select(s => DetectorResult.Of(s)).ToList();
        var elapsed = Stopwatch.GetElapsedTime(start);
        Console.WriteLine("| series | rows | windows found | recall | alarms in windows | false alarms | precision | false alarms a week |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (var r in results)
        {
            Row(r);
        }

        var all = new DetectorResult(
            "all", results.Sum(r => r.Rows), results.Sum(r => r.Windows), results.Sum(r => r.Found), results.Sum(r => r.TrueAlarms),
            results.Sum(r => r.FalseAlarms), results.Sum(r => r.Weeks));
        Row(all);
        Console.WriteLine();
        Console.WriteLine("| sensitivity | windows found | false alarms | false alarms a week |");
        Console.WriteLine("| ---: | ---: | ---: | ---: |");
        foreach (var sensitivity in new[] { 1, 3, 5, 7, 10 })
        {
            var at = series.Select(s => DetectorResult.Of(s, sensitivity)).ToList();
            Line($"| {sensitivity} | {at.Sum(r => r.Found)} of {all.Windows} | {at.Sum(r => r.FalseAlarms)} | {at.Sum(r => r.FalseAlarms) / all.Weeks:0.00} |");
        }

        Line($"{all.Rows / elapsed.TotalSeconds:N0} readings/s on one core, reading the files included");
        goals.Add(string.Create(CultureInfo.InvariantCulture, $"detector: at least 0.8 of the labelled windows found ({all.Recall:0.00})"), all.Recall >= 0.8);
        goals.Add(string.Create(CultureInfo.InvariantCulture, $"detector: at most 0.5 false alarms a week ({all.FalseAlarmsAWeek:0.00})"), all.FalseAlarmsAWeek <= 0.5);
    }

    private static void Row(DetectorResult r) => Line(
        $"| {r.Series} | {r.Rows} | {r.Found} of {r.Windows} | {r.Recall:0.00} | {r.TrueAlarms} | {r.FalseAlarms} | {r.Precision:0.00} | {r.FalseAlarmsAWeek:0.00} |");

    private static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
