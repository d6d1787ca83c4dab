using CityPulse.Api.Analytics.Domain;
using CityPulse.Bench;
using CityPulse.Bench.Forecasts;
using Shouldly;

namespace CityPulse.Tests.Bench.Forecasts;

/// <summary>
/// Day-ahead forecasts of every hourly and half-hourly meter of the samples, from the origins of their last half year;
/// <c>./citypulse bench forecast</c> does the same over all of their time, and docs/analytics.md has its table.
/// </summary>
public sealed class MeterForecastTests
{
    [Fact]
    public void Every_meter_is_forecast_better_than_by_the_week_before_and_the_band_holds()
    {
        var results = MeterSeries.All(Subject.Repository).Select(m => (m.Name, Accuracy: ForecastReport.Judge(m, lastDays: 182))).ToList();
        results.Count.ShouldBe(8);
        foreach (var (name, accuracy) in results)
        {
            accuracy.RelativeToWeek!.Value.ShouldBeLessThan(0.85, name);
            accuracy.Coverage!.Value.ShouldBeInRange(0.65, 0.92, name);
            accuracy.Wape.ShouldNotBeNull(name);
        }

        // The storage heating of household 2 does what it did the night before; there the naive of the day is shown.
        results.Where(r => r.Accuracy.RelativeToDay > 1).Select(r => r.Name).ShouldBe(["uk-electricity-2"]);
        Robust.Median(results.Select(r => r.Accuracy.Mase!.Value).ToArray())!.Value.ShouldBeLessThan(0.85);
        Robust.Median(results.Select(r => r.Accuracy.Coverage!.Value).ToArray())!.Value.ShouldBe(0.8, 0.05);
        Robust.Median(results.Select(r => r.Accuracy.RelativeToWeek!.Value).ToArray())!.Value.ShouldBeLessThan(0.75);
    }
}
