using CityPulse.Api.Analytics.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics.Domain;

public sealed class CorrelationTests
{
    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5, 6];

    /// <summary>Anscombe's first set: r = 0.81642.</summary>
    [Fact]
    public void Pearson_is_the_published_value()
    {
        double[] x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
        double[] y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        Correlation.At(x, y, 0)!.Value.Pearson.ShouldBe(0.81642, 5e-6);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void It_does_not_depend_on_units_or_on_the_order_of_the_two(int seed)
    {
        var random = new Random(seed);
        var a = Enumerable.Range(0, 200).Select(_ => random.Next(9) == 0 ? double.NaN : random.NextDouble()).ToArray();
        var b = a.Select(v => (0.3 * v) + random.NextDouble()).ToArray();
        var r = Correlation.At(a, b, 0)!.Value;
        Math.Abs(r.Pearson).ShouldBeLessThanOrEqualTo(1);
        Correlation.At(b, a, 0)!.Value.Pearson.ShouldBe(r.Pearson, 1e-12);
        Correlation.At([.. a.Select(v => (1e200 * v) + 3)], b, 0)!.Value.Pearson.ShouldBe(r.Pearson, 1e-9);
        Correlation.At([.. a.Select(v => (-5e-200 * v))], b, 0)!.Value.Pearson.ShouldBe(-r.Pearson, 1e-9);
        r.Pairs.ShouldBe(a.Count(v => !double.IsNaN(v)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(-7)]
    public void The_best_lag_is_that_by_which_one_follows_the_other(int lag)
    {
        var random = new Random(17);
        var signal = Enumerable.Range(0, 130).Select(_ => random.NextDouble()).ToArray();
        var best = Correlation.Best(signal[10..110], signal[(10 - lag)..(110 - lag)], 12)!.Value;
        (best.Lag, Math.Round(best.Pearson, 9)).ShouldBe((lag, 1));
        Correlation.Best(signal[(10 - lag)..(110 - lag)], signal[10..110], 12)!.Value.Lag.ShouldBe(-lag);
    }

    [Fact]
    public void Constant_or_too_few_values_have_none()
    {
        Correlation.At([1, 2, 3], [0.1, 0.1, 0.1], 0).ShouldBeNull();
        Correlation.At([1, 2, 3], [0, 0, 0], 0).ShouldBeNull();
        Correlation.At([1, 2], [3, 4], 0).ShouldBeNull();
        Correlation.At([1, double.NaN, 3, 4], [1, 2, double.NaN, 4], 0).ShouldBeNull();
        Correlation.Best([], [], 5).ShouldBeNull();
        Correlation.At([1, 2, 3], [1, 2, 3], 40).ShouldBeNull();
    }
}
