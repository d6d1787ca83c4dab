using CityPulse.Api.Readings.Domain;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Readings.Domain;

public sealed class RollupDomainTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_sum_put_together_from_any_parts_is_the_exact_sum_rounded_once(int seed)
    {
        var random = new Random(seed);
        for (var run = 0; run < 200; run++)
        {
            var values = Enumerable.Range(0, random.Next(1, 300)).Select(_ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-8, 9))).ToArray();
            var parts = values.Chunk(random.Next(1, 20)).Select(part => part.Aggregate(default(ExactSum), (sum, value) => sum + value));
            parts.Aggregate(default(ExactSum), (sum, part) => sum + part).Value.ShouldBe(Exactly.Sum(values));
        }
    }

    [Fact]
    public void A_sum_that_cancels_keeps_what_is_left()
    {
        double[] values = [1e16, 1, -1e16, 0.1, 1e16, 1e-3, -1e16];
        values.Aggregate(default(ExactSum), (sum, value) => sum + value).Value.ShouldBe(1.101);
    }

    [Fact]
    public void A_sum_beyond_all_numbers_is_no_number_and_throws_nothing()
    {
        var sum = new[] { double.MaxValue, double.MaxValue, 1.0 }.Aggregate(default(ExactSum), (s, v) => s + v);
        sum.ShouldBe(new ExactSum(double.PositiveInfinity, 0));
        (sum + sum).Value.ShouldBe(double.PositiveInfinity);
        (new ExactSum(double.MaxValue, 0) + new ExactSum(1, 0)).Value.ShouldBe(double.MaxValue);
    }

    [Theory]
    [InlineData("Europe/Berlin", 60)]
    [InlineData("America/New_York", 60)]
    [InlineData("America/Sao_Paulo", 60)]
    [InlineData("UTC", 60)]
    [InlineData("Asia/Kolkata", 30)]
    [InlineData("Australia/Lord_Howe", 30)]
    [InlineData("America/St_Johns", 30)]
    [InlineData("Asia/Kathmandu", 15)]
    [InlineData("Pacific/Chatham", 15)]
    public void Rollups_are_as_long_as_the_days_of_the_zone_allow(string zone, int minutes) =>
        RollupGrid.For(TimeZoneInfo.FindSystemTimeZoneById(zone)).StepMicroseconds.ShouldBe(minutes * 60_000_000L);

    [Fact]
    public void In_every_zone_each_day_begins_where_a_rollup_does()
    {
        foreach (var zone in TimeZoneInfo.GetSystemTimeZones())
        {
            var grid = RollupGrid.For(zone);
            var clock = new BucketClock(Resolution.Day, zone);
            for (var day = new DateTime(2000, 1, 1, 12, 0, 0, DateTimeKind.Utc); day.Year < 2031; day = day.AddDays(47))
            {
                var start = clock.Find(day.Subtract(DateTime.UnixEpoch).Ticks / 10).Start;
                grid.StartOf(start).ShouldBe(start, $"{zone.Id} {day}");
            }
        }
    }

    [Fact]
    public void A_rollup_covers_an_interval_behind_each_reading_and_no_more_than_there_is()
    {
        var fold = new RollupFold(new RollupGrid(RollupGrid.Hour), 600_000_000);
        fold.Add(0, 1, out _).ShouldBeFalse();
        fold.Add(60_000_000, 5, out _).ShouldBeFalse();
        fold.Add(RollupGrid.Hour - 120_000_000, 3, out _).ShouldBeFalse();
        fold.Add(RollupGrid.Hour * 5, 2, out var first).ShouldBeTrue();
        fold.End(out var second).ShouldBeTrue();
        // One minute up to the next reading, ten behind it, two until the hour ends.
        first.ShouldBe(new Rollup(0, 3, new ExactSum(9, 0), 1, 5, 1, 3, 60 + 600 + 120));
        second.ShouldBe(new Rollup(RollupGrid.Hour * 5, 1, new ExactSum(2, 0), 2, 2, 2, 2, 600));
        fold.End(out _).ShouldBeFalse();
        Should.Throw<InvalidOperationException>(() =>
        {
            fold.Add(5, 1, out _);
            fold.Add(5, 1, out _);
        });
    }

    [Fact]
    public void A_step_takes_what_fits_and_leaves_the_rest()
    {
        DirtySpan Span(int sensor, int from, int to) => new(sensor, from * RollupGrid.Hour, to * RollupGrid.Hour);
        var intervals = new Dictionary<int, int> { [1] = 900, [2] = 1 };

        // What overlaps or touches is one.
        var all = DirtyPlan.Of([Span(1, 5, 6), Span(2, 0, 1), Span(1, 0, 3), Span(1, 2, 4), Span(1, 6, 7)], intervals, 1_000_000);
        all.Now.ShouldBe([Span(1, 0, 4), Span(1, 5, 7), Span(2, 0, 1)]);
        all.Later.ShouldBeEmpty();

        // Forty readings are about ten hours at four an hour.
        var some = DirtyPlan.Of([Span(1, 0, 100), Span(2, 0, 5)], intervals, 40);
        some.Now.ShouldBe([Span(1, 0, 10)]);
        some.Later.ShouldBe([Span(1, 10, 100), Span(2, 0, 5)]);

        // An hour is the least, however much it holds.
        var least = DirtyPlan.Of([Span(2, 3, 9)], intervals, 10);
        least.Now.ShouldBe([Span(2, 3, 4)]);
        least.Later.ShouldBe([Span(2, 4, 9)]);
    }

    [Theory]
    [InlineData(nameof(StepKind.Power), 12.5, true)]
    [InlineData(nameof(StepKind.Power), -12.5, true)]
    [InlineData(nameof(StepKind.Power), 12.6, false)]
    [InlineData(nameof(StepKind.Amount), 3.1, true)]
    [InlineData(nameof(StepKind.Amount), 3.2, false)]
    [InlineData(nameof(StepKind.Register), 1e9, true)]
    [InlineData(nameof(StepKind.Register), -0.1, false)]
    public void A_value_by_itself_is_judged_by_the_rated_power_and_a_margin(string kind, double value, bool isPossible) =>
        new PlausibleStep(Enum.Parse<StepKind>(kind), 10, 0.25, 1.25).IsPossible(value).ShouldBe(isPossible);
}
