using CityPulse.Api.Analytics.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics.Domain;

/// <summary>The detector by itself: what it learns, what it says, and that it never looks ahead.</summary>
public sealed class AnomalyDetectorTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero);
    private static readonly DetectorSettings Settings = new(TimeZoneInfo.Utc);

    [Fact]
    public void A_spike_on_a_daily_course_is_flagged_and_tells_what_was_expected()
    {
        var detector = new AnomalyDetector(Settings);
        Feed(detector, Course(days: 14)).Count(v => v.IsAnomaly).ShouldBe(0);
        var at = Start.AddDays(14).AddHours(3);
        var verdict = detector.Observe(at, 100);
        verdict.IsAnomaly.ShouldBeTrue();
        verdict.Expected!.Value.ShouldBe(Value(at), 1);
        verdict.Score.ShouldBeGreaterThan(10);
        detector.Observe(at.AddMinutes(15), Value(at.AddMinutes(15))).IsAnomaly.ShouldBeFalse();
    }

    [Fact]
    public void A_value_that_is_common_by_day_is_unusual_by_night()
    {
        var detector = new AnomalyDetector(Settings);
        Feed(detector, Course(days: 10));
        var night = Start.AddDays(10).AddHours(2);
        detector.Observe(night, Value(night.AddHours(12))).IsAnomaly.ShouldBeTrue();
    }

    [Fact]
    public void After_four_weeks_a_weekday_is_told_from_a_Sunday()
    {
        var detector = new AnomalyDetector(Settings);
        Feed(detector, Course(days: 35, at => Value(at) + (at.DayOfWeek == DayOfWeek.Sunday ? -15 : 0)));
        var sunday = Start.AddDays(41).AddHours(12);
        sunday.DayOfWeek.ShouldBe(DayOfWeek.Sunday);
        Feed(detector, Course(days: 42, at => Value(at) + (at.DayOfWeek == DayOfWeek.Sunday ? -15 : 0)).Where(r => r.At >= Start.AddDays(35) && r.At < sunday));
        detector.Observe(sunday, Value(sunday) - 15).IsAnomaly.ShouldBeFalse();
        detector.Observe(sunday.AddMinutes(1), Value(sunday)).IsAnomaly.ShouldBeTrue();
    }

    [Fact]
    public void A_weekend_is_an_anomaly_until_it_has_been_seen_for_four_weeks_and_the_Monday_after_is_none()
    {
        var detector = new AnomalyDetector(Settings);
        var verdicts = Feed(detector, Course(days: 56, at => Value(at) + (at.DayOfWeek == DayOfWeek.Sunday ? -15 : 0)));
        var byDay = verdicts.Chunk(96).Select(day => day.Count(v => v.IsAnomaly)).ToList();
        byDay[6].ShouldBeGreaterThan(48, "the first Sunday");
        byDay.Where((_, day) => day % 7 != 6).Sum().ShouldBe(0);
        byDay.Skip(34).ShouldAllBe(count => count <= 8);
    }

    [Fact]
    public void The_course_follows_the_clock_of_the_place_when_clocks_change()
    {
        var berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        var detector = new AnomalyDetector(new DetectorSettings(berlin));
        // Clocks go forward on 29 March 2026: what begins at 8 local begins at 7 UTC before and at 6 UTC after.
        var values = Course(days: 40, at => TimeZoneInfo.ConvertTime(at, berlin).Hour is >= 8 and < 18 ? 50 : 10);
        Feed(detector, values).Skip(4 * 96).Count(v => v.IsAnomaly).ShouldBe(0);
    }

    [Fact]
    public void A_new_course_is_learned_within_three_weeks()
    {
        var detector = new AnomalyDetector(Settings);
        // A hall that stood dark for three weeks is lit from eight to six from then on.
        var verdicts = Feed(detector, Course(days: 60, at => at >= Start.AddDays(21) && at.Hour is >= 8 and < 18 ? 50 : 10));
        verdicts[(21 * 96) + 32].IsAnomaly.ShouldBeTrue();
        verdicts.Take(21 * 96).Count(v => v.IsAnomaly).ShouldBe(0);
        verdicts.Skip(42 * 96).Count(v => v.IsAnomaly).ShouldBe(0);
    }

    [Fact]
    public void A_wild_value_in_the_first_days_does_not_hide_the_next()
    {
        var detector = new AnomalyDetector(Settings);
        Feed(detector, Course(days: 6, at => at == Start.AddDays(2) ? 1e6 : Value(at)));
        detector.Observe(Start.AddDays(6), 200).IsAnomaly.ShouldBeTrue();
    }

    [Fact]
    public void A_new_level_is_an_anomaly_at_first_and_normal_after_three_days()
    {
        var detector = new AnomalyDetector(Settings);
        Feed(detector, Course(days: 14));
        var shifted = Course(days: 20, at => Value(at) + 40).Where(r => r.At >= Start.AddDays(14)).ToList();
        var verdicts = Feed(detector, shifted);
        verdicts.Take(4).ShouldAllBe(v => v.IsAnomaly);
        verdicts.Skip(62 * 4).Count(v => v.IsAnomaly).ShouldBe(0);
        detector.Observe(Start.AddDays(20), Value(Start.AddDays(20))).IsAnomaly.ShouldBeTrue("the old level is unusual now");
    }

    [Fact]
    public void A_slow_trend_is_no_anomaly()
    {
        var detector = new AnomalyDetector(Settings);
        Feed(detector, Course(days: 60, at => Value(at) + (at - Start).TotalDays)).Count(v => v.IsAnomaly).ShouldBe(0);
    }

    [Fact]
    public void Anomalies_are_left_out_of_the_baseline()
    {
        var (clean, dirty) = (new AnomalyDetector(Settings), new AnomalyDetector(Settings));
        Feed(clean, Course(days: 14));
        Feed(dirty, Course(days: 14, at => (at - Start).TotalDays > 7 && at.Hour % 5 == 0 && at.Minute == 30 ? 500 : Value(at)))
            .Count(v => v.IsAnomaly).ShouldBeInRange(33, 37);
        var at = Start.AddDays(14).AddHours(5.5);
        dirty.Observe(at, 20).Expected!.Value.ShouldBe(clean.Observe(at, 20).Expected!.Value, 0.5);
    }

    [Fact]
    public void A_constant_sensor_may_move_by_its_floor_and_no_further()
    {
        var detector = new AnomalyDetector(new DetectorSettings(TimeZoneInfo.Utc, LeastSpreads.Of("temperature", "Cel")));
        Feed(detector, Course(days: 5, _ => 21));
        detector.Observe(Start.AddDays(5), 21.2).IsAnomaly.ShouldBeFalse();
        detector.Observe(Start.AddDays(5).AddMinutes(15), 24).IsAnomaly.ShouldBeTrue();
    }

    [Theory]
    [InlineData("temperature", "Cel", 0.1)]
    [InlineData("temperature", "[degF]", 0.18)]
    [InlineData("temperature", "K", 0.1)]
    [InlineData("pressure", "hPa", 0.1)]
    [InlineData("electric_energy", "kWh", null)]
    [InlineData("unheard_of", "kWh", null)]
    public void The_floor_is_in_the_unit_of_the_sensor(string quantity, string unit, double? expected)
    {
        var floor = LeastSpreads.Of(quantity, unit);
        floor.HasValue.ShouldBe(expected.HasValue);
        (floor ?? 0).ShouldBe(expected ?? 0, 1e-9);
    }

    [Fact]
    public void A_late_reading_is_judged_and_changes_nothing()
    {
        var (one, other) = (new AnomalyDetector(Settings), new AnomalyDetector(Settings));
        Feed(one, Course(days: 6));
        Feed(other, Course(days: 6));
        other.Observe(Start.AddDays(2).AddHours(1), 400).IsAnomaly.ShouldBeTrue();
        other.Save().ShouldBe(one.Save());
    }

    [Fact]
    public void Nothing_is_said_before_anything_is_known()
    {
        var detector = new AnomalyDetector(Settings);
        Feed(detector, Course(days: 14).Take(4)).ShouldAllBe(v => v == default);
        detector.Observe(Start.AddHours(1), 20).ShouldSatisfyAllConditions(v => v.Expected.ShouldNotBeNull(), v => v.Score.ShouldBe(0));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_score_never_uses_the_future(int seed)
    {
        var rows = Irregular(seed);
        var all = Feed(new AnomalyDetector(Settings), rows);
        var cut = new Random(seed).Next(rows.Count);
        Feed(new AnomalyDetector(Settings), rows.Take(cut)).ShouldBe(all.Take(cut));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Stored_and_restored_it_goes_on_as_if_it_had_not_stopped(int seed)
    {
        var rows = Irregular(seed);
        var all = Feed(new AnomalyDetector(Settings), rows);
        var cut = new Random(seed + 1).Next(rows.Count);
        var first = new AnomalyDetector(Settings);
        Feed(first, rows.Take(cut));
        var state = first.Save();
        state.Length.ShouldBeLessThan(13_000);
        var second = AnomalyDetector.Restore(Settings, state)!;
        second.Save().ShouldBe(state);
        Feed(second, rows.Skip(cut)).ShouldBe(all.Skip(cut));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_higher_sensitivity_flags_the_same_readings_and_more(int seed)
    {
        var rows = Irregular(seed);
        List<AnomalyVerdict>? before = null;
        foreach (var sensitivity in new[] { 1, 2.5, 5, 7, 10 })
        {
            var verdicts = Feed(new AnomalyDetector(Settings with { Sensitivity = sensitivity }), rows);
            if (before is not null)
            {
                verdicts.Select(v => v.Score).ShouldBe(before.Select(v => v.Score));
                before.Zip(verdicts).ShouldAllBe(pair => !pair.First.IsAnomaly || pair.Second.IsAnomaly);
            }

            before = verdicts;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_unit_of_a_sensor_does_not_change_the_scores(int seed)
    {
        var rows = Irregular(seed);
        var inKilo = Feed(new AnomalyDetector(Settings), rows);
        // A power of two, so that not even the rounding differs.
        var inSmall = Feed(new AnomalyDetector(Settings), rows.Select(r => (r.At, r.Value * 1024)));
        inSmall.Select(v => v.Score).ShouldBe(inKilo.Select(v => v.Score));
    }

    [Fact]
    public void Values_at_the_end_of_all_numbers_give_numbers()
    {
        var detector = new AnomalyDetector(Settings);
        var random = new Random(5);
        double[] wild = [double.MaxValue, -double.MaxValue, 0, double.Epsilon, 1e300, -1e-300];
        foreach (var i in Enumerable.Range(0, 5000))
        {
            var verdict = detector.Observe(Start.AddMinutes(15 * i), wild[random.Next(wild.Length)]);
            double.IsFinite(verdict.Score).ShouldBeTrue();
            double.IsFinite(verdict.Expected ?? 0).ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    public void A_damaged_state_is_no_state(int length)
    {
        var detector = new AnomalyDetector(Settings);
        Feed(detector, Course(days: 3));
        var state = detector.Save();
        AnomalyDetector.Restore(Settings, state[..length]).ShouldBeNull();
        AnomalyDetector.Restore(Settings, [.. state, 0]).ShouldBeNull();
        AnomalyDetector.Restore(Settings, [99, .. state.Skip(1)]).ShouldBeNull();
    }

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>Three to six weeks with noise, gaps, doubled times, late rows, spikes and a shift.</summary>
    private static List<(DateTimeOffset At, double Value)> Irregular(int seed)
    {
        var random = new Random(seed);
        var rows = new List<(DateTimeOffset, double)>();
        var at = Start;
        var end = Start.AddDays(random.Next(21, 42));
        var shiftAt = Start.AddDays(random.Next(10, 20));
        while (at < end)
        {
            at = at.AddMinutes(random.Next(40) switch { 0 => 0, 1 => -90, 2 => 60 * random.Next(24), _ => 5 + random.Next(50) });
            var value = Value(at) + (random.NextDouble() * 4) + (at > shiftAt ? 12 : 0);
            rows.Add((at, random.Next(60) == 0 ? value * 5 : value));
        }

        return rows;
    }

    private static IEnumerable<(DateTimeOffset At, double Value)> Course(int days, Func<DateTimeOffset, double>? value = null) =>
        Enumerable.Range(0, days * 96).Select(i => Start.AddMinutes(15 * i)).Select(at => (at, (value ?? Value)(at)));

    /// <summary>10 at night, 30 at noon, with a ripple that is no noise but looks like some.</summary>
    private static double Value(DateTimeOffset at) =>
        20 - (10 * Math.Cos(2 * Math.PI * at.TimeOfDay.TotalDays)) + (0.5 * Math.Sin(at.ToUnixTimeSeconds() / 900 * 1.7));

    private static List<AnomalyVerdict> Feed(AnomalyDetector detector, IEnumerable<(DateTimeOffset At, double Value)> rows) =>
        [.. rows.Select(r => detector.Observe(r.At, r.Value))];
}
