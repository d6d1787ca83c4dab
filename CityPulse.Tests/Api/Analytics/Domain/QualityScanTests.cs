using CityPulse.Api.Analytics.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics.Domain;

public sealed class QualityScanTests
{
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5, 6];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_is_received_and_what_is_missing_add_up_to_what_is_expected(int seed)
    {
        var random = new Random(seed);
        var kept = Enumerable.Range(0, 500).Where(_ => random.Next(4) > 0).ToList();
        var quality = Scan(kept.Select(i => (Start.AddMinutes((10 * i) + (random.NextDouble() * 2)), random.NextDouble())), TimeSpan.FromMinutes(10), 500 * 10);
        quality.Expected.ShouldBe(500);
        quality.Received.ShouldBe(kept.Count);
        quality.Completeness.ShouldBe(kept.Count / 500.0, 1e-9);
        if (quality.GapCount <= QualityScan.MaxFindings)
        {
            quality.Gaps.Sum(g => g.Missing).ShouldBe(500 - kept.Count);
        }
    }

    [Fact]
    public void More_readings_than_asked_for_do_not_hide_a_gap()
    {
        // Every minute instead of every ten, and nothing in the second half.
        var quality = Scan(Enumerable.Range(0, 600).Select(i => (Start.AddMinutes(i), (double)(i % 7))), TimeSpan.FromMinutes(10), 1200);
        quality.Completeness.ShouldBe(0.5, 0.01);
        quality.Gaps.ShouldHaveSingleItem().To.ShouldBe(Start.AddMinutes(1200));
        quality.LongestGapSeconds.ShouldBe(591 * 60);
    }

    [Fact]
    public void Nothing_at_all_is_one_gap()
    {
        var quality = Scan([], TimeSpan.FromMinutes(10), 600);
        (quality.Completeness, quality.GapCount, quality.Gaps[0].Missing).ShouldBe((0, 1, 60));
        quality.Clock.ShouldBeNull();
    }

    [Theory]
    [InlineData(11, 5.0, false, 0)]
    [InlineData(12, 5.0, false, 1)]
    [InlineData(24, 0.0, true, 0)]
    [InlineData(24, 0.0, false, 1)]
    public void The_same_value_again_and_again_is_stuck_unless_it_is_a_common_zero(int times, double value, bool isZeroCommon, int found)
    {
        var rows = Enumerable.Range(0, 60).Select(i => (Start.AddMinutes(15 * i), i >= 20 && i < 20 + times ? value : 10 + (0.1 * i)));
        var quality = Scan(rows, TimeSpan.FromMinutes(15), 900, isZeroCommon);
        quality.Stuck.Count.ShouldBe(found);
        quality.Stuck.ShouldAllBe(s => s.Count == times && s.From == Start.AddMinutes(300));
    }

    [Fact]
    public void A_spike_is_one_reading_and_a_step_is_none()
    {
        var random = new Random(19);
        var quality = Scan(
            Enumerable.Range(0, 200).Select(i => (Start.AddMinutes(15 * i), i == 50 ? 99 : i == 120 ? -60 : (i >= 150 ? 40 : 20) + random.NextDouble())),
            TimeSpan.FromMinutes(15), 3000);
        quality.Spikes.Select(s => s.At).ShouldBe([Start.AddMinutes(15 * 50), Start.AddMinutes(15 * 120)]);
        quality.Spikes[0].Expected.ShouldBe(20.5, 0.5);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-3, 0)]
    [InlineData(2, 30)]
    [InlineData(-1, -200)]
    public void A_clock_that_runs_wrong_is_told_by_its_offset_and_its_drift(double offsetSeconds, double driftSecondsPerDay)
    {
        var random = new Random(20);
        var rows = Enumerable.Range(1, 96 * 8).Select(i =>
            (Start.AddMinutes(15 * i).AddSeconds(offsetSeconds + (driftSecondsPerDay * i / 96) + (random.NextDouble() - 0.5)), random.NextDouble()));
        var clock = Scan(rows, TimeSpan.FromMinutes(15), 15 * 96 * 8).Clock!.Value;
        clock.DriftSecondsPerDay!.Value.ShouldBe(driftSecondsPerDay, 0.2 + (0.01 * Math.Abs(driftSecondsPerDay)));
        clock.JitterSeconds.ShouldBeLessThan(60);
        if (driftSecondsPerDay == 0)
        {
            clock.OffsetSeconds.ShouldBe(offsetSeconds, 0.1);
        }
    }

    [Fact]
    public void Times_that_follow_no_interval_tell_nothing_of_a_clock()
    {
        var random = new Random(21);
        Scan(Enumerable.Range(0, 400).Select(i => (Start.AddMinutes(15 * i).AddSeconds(900 * random.NextDouble()), 1.0)), TimeSpan.FromMinutes(15), 6000)
            .Clock.ShouldBeNull();
    }

    private static SensorQuality Scan(IEnumerable<(DateTimeOffset At, double Value)> rows, TimeSpan interval, int minutes, bool isZeroCommon = true)
    {
        var scan = new QualityScan(interval.Ticks, Start.UtcTicks, Start.AddMinutes(minutes).UtcTicks, isZeroCommon, leastSpread: null);
        foreach (var (at, value) in rows)
        {
            scan.Add(at.UtcTicks, value);
        }

        return scan.End();
    }
}
