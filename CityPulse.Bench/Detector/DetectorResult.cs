using CityPulse.Api.Analytics.Domain;

namespace CityPulse.Bench.Detector;

/// <summary>
/// How the detector did on one series, behind its probation. An alarm is a run of flagged rows no more than six hours apart, within one window or
/// outside all: a person is called once for it.
/// </summary>
/// <param name="Found">Labelled windows in which an alarm lies.</param>
/// <param name="TrueAlarms">Alarms within a window.</param>
/// <param name="FalseAlarms">Alarms outside all windows.</param>
internal sealed record DetectorResult(string Series, int Rows, int Windows, int Found, int TrueAlarms, int FalseAlarms, double Weeks)
{
    private static readonly TimeSpan SameAlarm = TimeSpan.FromHours(6);

    /// <summary>Of the alarms, those that lie in a window; null without any alarm.</summary>
    public double? Precision => TrueAlarms + FalseAlarms > 0 ? (double)TrueAlarms / (TrueAlarms + FalseAlarms) : null;

    /// <summary>Of the windows, those that were found; null where there are none.</summary>
    public double? Recall => Windows > 0 ? (double)Found / Windows : null;

    public double FalseAlarmsAWeek => FalseAlarms / Weeks;

    public static DetectorResult Of(LabelledSeries series, double sensitivity = DetectorSettings.DefaultSensitivity)
    {
        var verdicts = Judge(series.Rows, sensitivity);
        var found = new HashSet<int>();
        var (trueAlarms, falseAlarms) = (0, 0);
        (DateTimeOffset At, int Window) last = (DateTimeOffset.MinValue, -2);
        for (var i = series.Probation; i < series.Rows.Count; i++)
        {
            if (!verdicts[i].IsAnomaly)
            {
                continue;
            }

            var at = series.Rows[i].At;
            var window = series.Windows.ToList().FindIndex(w => w.Holds(at));
            if (window != last.Window || at - last.At > SameAlarm)
            {
                (trueAlarms, falseAlarms) = window >= 0 ? (trueAlarms + 1, falseAlarms) : (trueAlarms, falseAlarms + 1);
            }

            if (window >= 0)
            {
                found.Add(window);
            }

            last = (at, window);
        }

        var weeks = (series.Rows[^1].At - series.Rows[series.Probation].At).TotalDays / 7;
        return new DetectorResult(series.Name, series.Rows.Count, series.Windows.Count, found.Count, trueAlarms, falseAlarms, weeks);
    }

    /// <summary>One verdict a row. The same settings for all series: nothing is told of units or zones.</summary>
    public static List<AnomalyVerdict> Judge(IEnumerable<LabelledRow> rows, double sensitivity = DetectorSettings.DefaultSensitivity)
    {
        var detector = new AnomalyDetector(new DetectorSettings(TimeZoneInfo.Utc, Sensitivity: sensitivity));
        return [.. rows.Select(row => detector.Observe(row.At, row.Value))];
    }
}
