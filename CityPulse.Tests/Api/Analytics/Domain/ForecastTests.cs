using CityPulse.Api.Analytics.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics.Domain;

/// <summary>Forecasts by themselves: what they know, how they are judged, and what is shown.</summary>
public sealed class ForecastTests
{
    private static readonly DateTimeOffset Start = new(2025, 10, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_forecast_never_uses_the_future(int seed)
    {
        var random = new Random(seed);
        var horizon = random.Next(1, Forecast.LongestHours);
        var origin = (24 * random.Next(60, 200)) + random.Next(24);
        var values = Load(random, origin + horizon);
        var outdoors = Temperature(origin + horizon);
        var known = Forecast.Make(Hidden(values, origin), new HourlySeries(Start, outdoors, Berlin), origin, horizon);
        // Another future, of the load and of the weather.
        var other = (double[])values.Clone();
        Array.Fill(other, 1e9, origin, horizon);
        Array.Fill(outdoors, -40, origin, horizon);
        var blind = Forecast.Make(new HourlySeries(Start, other, Berlin), new HourlySeries(Start, outdoors, Berlin), origin, horizon);
        blind.Method.ShouldBe(known.Method);
        blind.Points.ShouldBe(known.Points);
        known.Points.Count.ShouldBe(horizon);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_unit_of_a_series_scales_its_forecast(int seed)
    {
        var values = Load(new Random(seed), 24 * 80);
        var one = Forecast.Make(Hidden(values, values.Length - 24), null, values.Length - 24, 24);
        var other = Forecast.Make(Hidden([.. values.Select(v => v * 1024)], values.Length - 24), null, values.Length - 24, 24);
        other.Method.ShouldBe(one.Method);
        other.Points.Zip(one.Points).ShouldAllBe(p => Math.Abs(p.First.Value - (1024 * p.Second.Value)) < 1e-6);
    }

    [Fact]
    public void A_course_with_noise_is_forecast_better_than_by_repeating()
    {
        var values = Load(new Random(6), 24 * 150);
        var result = Forecast.Make(Hidden(values, values.Length - 48), null, values.Length - 48, 48);
        result.Method.ShouldBe(ForecastMethod.Regression);
        result.Accuracy!.Mase!.Value.ShouldBeLessThan(0.85);
        result.Accuracy.Coverage!.Value.ShouldBeInRange(0.74, 0.86);
        result.Points.Index().ShouldAllBe(p => p.Item.At == Start.AddHours(values.Length - 48 + p.Index) && p.Item.Low <= p.Item.Value && p.Item.Value <= p.Item.High);
    }

    [Fact]
    public void A_random_walk_is_not_forecast_by_a_model()
    {
        var random = new Random(8);
        var value = 1000.0;
        // What moves by chance alone over a week offers nothing to learn but yesterday's value; yesterday is the naive.
        var values = Enumerable.Range(0, 24 * 120).Select(i => i % 24 == 0 ? value += random.NextDouble() - 0.5 : value).ToArray();
        var result = Forecast.Make(Hidden(values, values.Length - 24), null, values.Length - 24, 24);
        result.Method.ShouldBe(ForecastMethod.SeasonalNaiveDay);
        result.RegressionAccuracy!.BeatsNaive.ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, "None")]
    [InlineData(13, "None")]
    [InlineData(14, "SeasonalNaiveDay")]
    [InlineData(48, "SeasonalNaiveDay")]
    public void Little_history_is_enough_for_a_naive_forecast_or_for_none(int days, string expected)
    {
        var series = Hidden([.. Enumerable.Range(0, (24 * days) + 24).Select(i => (double)(i % 24) + (i / 168))], 24 * days);
        var result = Forecast.Make(series, null, 24 * days, 24);
        result.Method.ToString().ShouldBe(expected);
        result.Points.Count.ShouldBe(expected == "None" ? 0 : 24);
        result.RegressionAccuracy.ShouldBeNull();
    }

    [Fact]
    public void Missing_hours_are_left_out_and_never_become_numbers()
    {
        var random = new Random(10);
        var values = Load(random, 24 * 120);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.Next(5) == 0 || i is > 1000 and < 1200 ? double.NaN : values[i];
        }

        var result = Forecast.Make(Hidden(values, values.Length - 24), null, values.Length - 24, 24);
        result.Points.Count.ShouldBe(24);
        result.Points.ShouldAllBe(p => double.IsFinite(p.Value) && double.IsFinite(p.Low) && double.IsFinite(p.High));
    }

    [Fact]
    public void Hours_are_compared_by_the_clock_of_the_place()
    {
        // 29 March 2026, 1:00Z: clocks go forward.
        var series = new HourlySeries(new DateTimeOffset(2026, 3, 20, 0, 0, 0, TimeSpan.Zero), new double[24 * 30], Berlin);
        var hour = (24 * 10) + 6;
        series.HourOfDay(hour).ShouldBe(8);
        series.DaysBefore(hour, 7).ShouldBe(hour - 168 + 1);
        series.HourOfDay(series.DaysBefore(hour, 7)).ShouldBe(8);
        series.DaysBefore(hour + 240, 7).ShouldBe(hour + 240 - 168);
        series.DaysBefore(3, 7).ShouldBe(-1);
    }

    [Fact]
    public void Accuracy_is_what_one_computes_by_hand()
    {
        // Three weeks of 1, 2, 3: the weekly naive is off by 1 everywhere, the daily one only at the turns of weeks.
        var series = new HourlySeries(Start, [.. Enumerable.Range(0, 504).Select(i => 1.0 + (i / 168))], TimeZoneInfo.Utc);
        BacktestHour[] hours =
        [
            new(336, 336, Actual: 3, Forecast: 2.5, NaiveWeek: 2, NaiveDay: 2, Low: 2, High: 3),
            new(336, 400, Actual: 3, Forecast: 3.25, NaiveWeek: 2, NaiveDay: 3, Low: 3.1, High: 3.4),
        ];
        var accuracy = ForecastAccuracy.Of(series, hours);
        accuracy.MeanError.ShouldBe(0.375, 1e-12);
        accuracy.Mase!.Value.ShouldBe(0.375, 1e-12);
        // In the first 336 hours 24 of 312 daily differences are 1.
        accuracy.MaseDay!.Value.ShouldBe(0.375 / (24 / 312.0), 1e-9);
        accuracy.RelativeToWeek!.Value.ShouldBe(0.375, 1e-12);
        accuracy.RelativeToDay!.Value.ShouldBe(0.75, 1e-12);
        accuracy.Wape!.Value.ShouldBe(0.75 / 6, 1e-12);
        accuracy.Coverage.ShouldBe(0.5);
        accuracy.BeatsNaive.ShouldBeTrue();
    }

    [Fact]
    public void Nothing_to_compare_with_is_null()
    {
        var series = new HourlySeries(Start, new double[400], TimeZoneInfo.Utc);
        var accuracy = ForecastAccuracy.Of(series, [new(336, 336, 0, 0, 0, 0, double.NaN, double.NaN)]);
        (accuracy.Mase, accuracy.MaseDay, accuracy.RelativeToWeek, accuracy.Wape, accuracy.Coverage).ShouldBe((null, null, null, null, null));
        accuracy.BeatsNaive.ShouldBeFalse();
        ForecastAccuracy.Of(series, []).Hours.ShouldBe(0);
    }

    [Fact]
    public void The_naive_takes_the_last_season_that_is_known()
    {
        var series = new HourlySeries(Start, [.. Enumerable.Range(0, 400).Select(i => i == 150 ? double.NaN : i)], TimeZoneInfo.Utc);
        SeasonalNaive.Of(series, 200, 210, 24).ShouldBe(186);
        SeasonalNaive.Of(series, 200, 230, 24).ShouldBe(182);
        SeasonalNaive.Of(series, 200, 210, 168).ShouldBe(42);
        SeasonalNaive.Of(series, 200, 222, 24).ShouldBe(198);
        SeasonalNaive.Of(series, 170, 174, 24).ShouldBe(126, "the day before is not known");
        double.IsNaN(SeasonalNaive.Of(series, 100, 110, 168)).ShouldBeTrue();
    }

    [Fact]
    public void The_band_holds_four_fifths_of_what_comes()
    {
        var (random, bands) = (new Random(12), new ErrorBands(1));
        var (inside, judged) = (0, 0);
        for (var i = 0; i < 4000; i++)
        {
            var error = Math.Pow(random.NextDouble(), 3);
            if (bands.At(0) is var (below, above))
            {
                judged++;
                inside += error >= below && error <= above ? 1 : 0;
            }

            bands.Learn(0, error);
        }

        judged.ShouldBe(4000 - 12);
        ((double)inside / judged).ShouldBe(0.8, 0.02);
    }

    [Fact]
    public void A_fit_finds_the_weights_and_is_not_moved_by_a_few_wild_targets()
    {
        var random = new Random(13);
        var fit = new LeastAbsoluteFit([0, 0, 0], ridge: 1e-6);
        for (var i = 0; i < 400; i++)
        {
            double[] row = [random.NextDouble(), random.NextDouble(), 1];
            fit.Add(row, (2 * row[0]) - (3 * row[1]) + 5 + (i % 20 == 0 ? 1000 : 0));
        }

        var weights = fit.Solve();
        weights[0].ShouldBe(2, 0.05);
        weights[1].ShouldBe(-3, 0.05);
        weights[2].ShouldBe(5, 0.05);
    }

    [Fact]
    public void A_fit_without_data_or_with_equal_columns_keeps_to_the_prior()
    {
        new LeastAbsoluteFit([0.25, 0.75], 0.02).Solve().ShouldBe([0.25, 0.75]);
        var fit = new LeastAbsoluteFit([0.25, 0.75], 0.02);
        for (var i = 1; i < 50; i++)
        {
            fit.Add([i, i], i);
        }

        var weights = fit.Solve();
        weights[0].ShouldBe(0.25, 1e-6);
        weights[1].ShouldBe(0.75, 1e-6);
    }

    private static HourlySeries Hidden(double[] values, int origin) =>
        new(Start, [.. values.Select((v, i) => i < origin ? v : double.NaN)], Berlin);

    /// <summary>Higher by day and on weekdays, with noise.</summary>
    private static double[] Load(Random random, int hours) =>
    [
        .. Enumerable.Range(0, hours).Select(i => Start.AddHours(i)).Select(at =>
            2 + (at.Hour is >= 7 and < 19 ? 4 : 0) + (at.DayOfWeek is DayOfWeek.Sunday ? 0 : 1) + (2 * random.NextDouble())),
    ];

    private static double[] Temperature(int hours) => [.. Enumerable.Range(0, hours).Select(i => 8 - (6 * Math.Cos(i * Math.PI / 12)))];
}
