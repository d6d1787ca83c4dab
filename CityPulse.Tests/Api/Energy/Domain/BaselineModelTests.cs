using CityPulse.Api.Energy.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Energy.Domain;

public sealed class BaselineModelTests
{
    private static readonly DateOnly First = new(2025, 1, 1);

    [Fact]
    public void Degree_days_are_the_distance_from_the_balance_point()
    {
        var day = new WeatherDay(First, [10, 20, 24, 26]);
        day.MeanC.ShouldBe(20);
        day.Heating(22, DegreeDayKind.DailyMean).ShouldBe(2);
        day.Cooling(22, DegreeDayKind.DailyMean).ShouldBe(0);
        day.Heating(22, DegreeDayKind.Hourly).ShouldBe((12 + 2) / 4.0);
        day.Cooling(22, DegreeDayKind.Hourly).ShouldBe((2 + 4) / 4.0);
    }

    [Theory]
    [InlineData("constant", 0, 0)]
    [InlineData("heating", 3.5, 0)]
    [InlineData("cooling", 0, 5.25)]
    [InlineData("heating_cooling", 3.5, 5.25)]
    public void The_search_finds_the_parts_and_balance_points_that_made_the_data(string type, double heating, double cooling)
    {
        var random = new Random(5);
        var year = Year((d, t) => 20 + (heating * d.Heating(14.5, DegreeDayKind.DailyMean)) + (cooling * d.Cooling(19, DegreeDayKind.DailyMean)) + (random.NextDouble() - 0.5));
        var model = BaselineModel.Search(year)!;
        model.Name.ShouldBe(type);
        model.InterceptKWh.ShouldBe(20, 0.3);
        if (heating > 0)
        {
            model.HeatingBalanceC!.Value.ShouldBe(14.5, 0.5);
            model.HeatingKWhPerDegreeDay.ShouldBe(heating, 0.1);
        }

        if (cooling > 0)
        {
            model.CoolingBalanceC!.Value.ShouldBe(19, 0.5);
            model.CoolingKWhPerDegreeDay.ShouldBe(cooling, 0.15);
        }

        BaselineFit.Of(model, year, monthly: false).Failures().ShouldBeEmpty();
    }

    [Fact]
    public void A_saved_share_is_found_at_any_weather()
    {
        var random = new Random(6);
        var before = Year((d, _) => 20 + (3 * d.Heating(15, DegreeDayKind.DailyMean)) + random.NextDouble());
        var after = Year((d, _) => 0.85 * (20 + (3 * d.Heating(15, DegreeDayKind.DailyMean)) + random.NextDouble()), coolerBy: 3);
        var savings = NormalizedSavings.Of(BaselineModel.Search(before)!, before, after)!.Value;
        savings.Share.ShouldBe(0.15, 0.005);
        savings.Uncertainty.ShouldBeInRange(0.0001, 0.01);
    }

    [Fact]
    public void Errors_are_measured_as_the_guideline_says()
    {
        // Four days, a constant model of 10: errors 2, -2, 1, -1; p = 1.
        BaselineObservation[] days = [.. new[] { 12.0, 8, 11, 9 }.Select((kWh, i) => new BaselineObservation(First.AddDays(i), kWh, [new WeatherDay(First.AddDays(i), [10])]))];
        var fit = BaselineFit.Of(new BaselineModel(DegreeDayKind.DailyMean, 10, null, 0, null, 0), days, monthly: false);
        fit.CvRmse.ShouldBe(Math.Sqrt(10 / 3.0) / 10, 1e-12);
        fit.Nmbe.ShouldBe(0, 1e-12);
        fit.R2.ShouldBe(0, 1e-12);
        fit.MonthlyCvRmse.ShouldBeNull();
        fit.Autocorrelation.ShouldBe(0); // -4 - 2 - 1 over 10, which does not make it better than independent
        // Guideline 14, annex B, with n = n' = 4, m = 100: t(3, 90 %) = 2.353.
        fit.UncertaintyKWh(1000, 100).ShouldBe(2.353 * 1.26 * fit.CvRmse * Math.Sqrt(1.5 / 100) * 1000, 1000 * 0.001);
    }

    [Theory]
    [InlineData(5, 2.0150)]
    [InlineData(10, 1.8125)]
    [InlineData(30, 1.6973)]
    [InlineData(1000, 1.6464)]
    public void Quantiles_of_t_are_those_of_the_tables(double freedom, double expected) =>
        StudentT.Quantile95(freedom).ShouldBe(expected, 0.001);

    [Fact]
    public void A_model_that_misses_the_limits_says_which()
    {
        var fit = new BaselineFit(365, 2, 0.5, 0, 0.3, MonthlyCvRmse: 0.151, MonthlyNmbe: -0.051, 0);
        fit.Failures().Count.ShouldBe(2);
        (fit with { MonthlyCvRmse = 0.15, MonthlyNmbe = 0.05 }).Failures().ShouldBeEmpty();
        (fit with { MonthlyCvRmse = null, MonthlyNmbe = null }).Failures().ShouldHaveSingleItem().ShouldContain("30");
    }

    private static List<BaselineObservation> Year(Func<WeatherDay, int, double> kWh, double coolerBy = 0)
    {
        var random = new Random(4);
        return [.. Enumerable.Range(0, 365).Select(i =>
        {
            var mean = 12 - (14 * Math.Cos(2 * Math.PI * i / 365)) + (6 * (random.NextDouble() - 0.5)) - coolerBy;
            var day = new WeatherDay(First.AddDays(i), [.. Enumerable.Range(0, 24).Select(h => mean + (4 * Math.Sin(2 * Math.PI * h / 24)))]);
            return new BaselineObservation(day.Day, kWh(day, i), [day]);
        })];
    }
}
