using CityPulse.Bench;
using CityPulse.Bench.Detector;
using Shouldly;

namespace CityPulse.Tests.Bench.Detector;

/// <summary>
/// What the detector finds in the labelled series of the Numenta Anomaly Benchmark, one setting for all. The figures are a snapshot: a change
/// of the detector that makes one of them worse must say what it buys for that, in docs/analytics.md.
/// </summary>
public sealed class LabelledSeriesTests
{
    private static readonly Lazy<IReadOnlyDictionary<string, LabelledSeries>> All =
        new(() => LabelledSeries.All(Subject.Repository).ToDictionary(s => s.Name));

    /// <summary>Labelled windows, those found, alarms within a window, alarms outside.</summary>
    [Theory]
    [InlineData("art_daily_small_noise", 0, 0, 0, 0)]
    [InlineData("art_daily_jumpsup", 1, 1, 1, 0)]
    [InlineData("ambient_temperature_system_failure", 2, 1, 2, 0)]
    [InlineData("nyc_taxi", 5, 5, 8, 1)]
    [InlineData("TravelTime_387", 3, 3, 3, 3)]
    [InlineData("TravelTime_451", 1, 0, 0, 0)]
    [InlineData("occupancy_6005", 1, 0, 0, 0)]
    [InlineData("occupancy_t4013", 2, 2, 2, 0)]
    [InlineData("speed_6005", 1, 1, 1, 0)]
    [InlineData("speed_7578", 4, 4, 4, 4)]
    [InlineData("speed_t4013", 2, 2, 2, 0)]
    public void Windows_are_found_and_false_alarms_stay_few(string name, int windows, int found, int trueAlarms, int falseAlarms)
    {
        var result = DetectorResult.Of(All.Value[name]);
        (result.Windows, result.Found, result.TrueAlarms, result.FalseAlarms).ShouldBe((windows, found, trueAlarms, falseAlarms));
        (result.Precision ?? 1).ShouldBeGreaterThanOrEqualTo(0.5);
        result.FalseAlarmsAWeek.ShouldBeLessThan(4);
    }

    [Fact]
    public void Over_all_series_six_of_seven_windows_are_found_at_less_than_one_false_alarm_in_ten_weeks()
    {
        var results = All.Value.Values.Select(s => DetectorResult.Of(s)).ToList();
        results.Count.ShouldBe(11);
        ((double)results.Sum(r => r.Found) / results.Sum(r => r.Windows)).ShouldBeGreaterThan(0.85);
        ((double)results.Sum(r => r.TrueAlarms) / results.Sum(r => r.TrueAlarms + r.FalseAlarms)).ShouldBeGreaterThan(0.7);
        (results.Sum(r => r.FalseAlarms) / results.Sum(r => r.Weeks)).ShouldBeLessThan(0.1);
    }

    [Fact]
    public void Without_the_future_every_series_has_the_same_scores()
    {
        foreach (var series in All.Value.Values)
        {
            var all = DetectorResult.Judge(series.Rows);
            all.Count.ShouldBe(series.Rows.Count);
            foreach (var part in new[] { 0.2, 0.5, 0.83 })
            {
                var known = (int)(series.Rows.Count * part);
                DetectorResult.Judge(series.Rows.Take(known)).ShouldBe(all.Take(known), series.Name);
            }
        }
    }
}
