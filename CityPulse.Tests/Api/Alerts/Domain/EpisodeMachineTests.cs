using CityPulse.Api.Alerts.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Domain;

public sealed class EpisodeMachineTests
{
    private static readonly Delays None = new(0, 0);

    [Fact]
    public void A_limit_is_crossed_and_left_at_the_readings_times()
    {
        Run(Above(30), (0, 20), (60, 31), (120, 30), (180, 35)).ShouldBe([(60, 120, 31.0, 1), (180, null, 35.0, 1)]);
        Run(new ThresholdCondition(Comparison.AtLeast, 30, 0, None), (0, 30), (60, 29.9)).ShouldBe([(0, 60, 30.0, 1)]);
        Run(new ThresholdCondition(Comparison.Below, 5, 0, None), (0, 5), (60, 4.9), (120, 5)).ShouldBe([(60, 120, 4.9, 1)]);
        Run(new ThresholdCondition(Comparison.AtMost, 5, 0, None), (0, 5), (60, 5.1)).ShouldBe([(0, 60, 5.0, 1)]);
    }

    [Fact]
    public void A_deadband_joins_what_flutters_about_the_limit()
    {
        Run(new ThresholdCondition(Comparison.Above, 30, 2, None), (0, 31), (10, 29), (20, 31), (30, 28.5), (40, 28))
            .ShouldBe([(0, 40, 31.0, 2)]);
        Run(new ThresholdCondition(Comparison.Below, 10, 2, None), (0, 9), (10, 11), (20, 12)).ShouldBe([(0, 20, 9.0, 1)]);
    }

    [Fact]
    public void An_on_delay_raises_when_the_value_has_held_so_long_also_without_a_further_reading()
    {
        var rule = new ThresholdCondition(Comparison.Above, 30, 0, new Delays(60, 0));
        Run(rule, (0, 31), (45, 32), (90, 29)).ShouldBe([(60, 90, 32.0, 1)]);
        Run(rule, until: 59, (0, 31)).ShouldBeEmpty();
        Run(rule, until: 60, (0, 31)).ShouldBe([(60, null, 31.0, 1)]);
        Run(rule, (0, 31), (60, 29)).ShouldBeEmpty("the reading of that very moment counts");
        Run(rule, (0, 31), (30, 29), (50, 31), (100, 29)).ShouldBeEmpty("the time begins anew");
    }

    [Fact]
    public void An_off_delay_clears_when_it_has_been_normal_so_long()
    {
        var rule = new ThresholdCondition(Comparison.Above, 30, 0, new Delays(0, 60));
        Run(rule, until: 200, (0, 31), (10, 29), (40, 31), (50, 29)).ShouldBe([(0, 110, 31.0, 2)]);
    }

    [Fact]
    public void Silence_is_told_by_the_clock_and_ended_by_a_reading()
    {
        var rule = new NoDataCondition(60);
        Run(rule, until: 100, (0, 1), (30, 1)).ShouldBe([(90, null, 1.0, 1)]);
        Run(rule, until: 200, (0, 1), (100, 1), (159, 1)).ShouldBe([(60, 100, 1.0, 1)]);
        Run(rule, until: 59, (0, 1)).ShouldBeEmpty();
    }

    [Fact]
    public void Silence_counts_from_the_anchor_where_nothing_has_come_and_a_bad_value_is_a_sign_of_life()
    {
        var machine = new EpisodeMachine(new NoDataCondition(60), anchor: At(100));
        var finished = new List<Episode>();
        machine.AdvanceTo(At(170), finished);
        machine.Open!.Value.RaisedAt.ShouldBe(At(160));
        machine.Open!.Value.Value.ShouldBeNull();
        machine.Read(new Sample(At(180), 5, IsUsable: false), finished);
        finished.ShouldHaveSingleItem().ClearedAt.ShouldBe(At(180));
    }

    [Fact]
    public void A_bad_value_neither_raises_nor_clears_a_limit()
    {
        var machine = new EpisodeMachine(Above(30));
        var finished = new List<Episode>();
        machine.Read(new Sample(At(0), 99, IsUsable: false), finished);
        machine.Open.ShouldBeNull();
        machine.Read(new Sample(At(10), 40), finished);
        machine.Read(new Sample(At(20), 0, IsUsable: false), finished);
        machine.Open.ShouldNotBeNull();
    }

    [Fact]
    public void A_change_is_judged_against_all_of_its_window_up_and_down()
    {
        var rule = new RateCondition(10, 5, None);
        Run(rule, (0, 20), (300, 22), (600, 25.5), (1200, 26)).ShouldBe([(600, 1200, 25.5, 1)]);
        Run(rule, (0, 20), (60, 14)).ShouldBe([(60, null, 14.0, 1)]);
        Run(rule, (0, 20), (700, 24), (1400, 28)).ShouldBeEmpty("slower than 5 in 10 minutes");
        Run(rule, (0, 20), (1200, 31)).ShouldBe([(1200, null, 31.0, 1)], "11 in 20 minutes is 5.5 in 10");
    }

    [Fact]
    public void All_and_any_combine_conditions()
    {
        AlertCondition[] parts = [Above(30), new RateCondition(1, 5, None)];
        Run(new CombinedCondition(true, parts, None), (0, 31), (30, 40), (120, 41)).ShouldBe([(30, 120, 40.0, 1)]);
        Run(new CombinedCondition(false, [Above(30), new NoDataCondition(60)], None), until: 100, (0, 20), (10, 31), (20, 20))
            .ShouldBe([(10, 20, 31.0, 1), (80, null, 20.0, 1)]);
        Run(new CombinedCondition(true, [Above(30), Above(40)], new Delays(60, 0)), until: 100, (0, 35), (10, 41)).ShouldBe([(70, null, 41.0, 1)]);
    }

    /// <summary>Whatever is cut, saved, loaded and gone on with comes out as if it had run in one go.</summary>
    [Fact]
    public void A_saved_machine_goes_on_as_if_it_had_never_stopped()
    {
        AlertCondition[] conditions =
        [
            new ThresholdCondition(Comparison.Above, 50, 5, new Delays(30, 20)),
            new RateCondition(1, 20, new Delays(0, 15)),
            new NoDataCondition(40),
            new CombinedCondition(false, [Above(90), new NoDataCondition(70), new RateCondition(0.5, 40, None)], new Delays(5, 5)),
        ];
        var random = new Random(7);
        foreach (var condition in conditions)
        {
            var samples = new List<Sample>();
            for (var at = 0; samples.Count < 400; at += random.Next(1, 60))
            {
                samples.Add(new Sample(At(at), random.Next(0, 101), random.Next(20) != 0));
            }

            var whole = new List<Episode>();
            var inOneGo = new EpisodeMachine(condition, At(0));
            samples.ForEach(s => inOneGo.Read(s, whole));

            var cut = new List<Episode>();
            var machine = new EpisodeMachine(condition, At(0));
            foreach (var sample in samples)
            {
                machine.Read(sample, cut);
                var saved = machine.Save();
                machine = new EpisodeMachine(condition, At(0));
                machine.TryLoad(saved).ShouldBeTrue();
            }

            cut.ShouldBe(whole);
            machine.Open.ShouldBe(inOneGo.Open);
            whole.Count.ShouldBeGreaterThan(10, $"{condition} is tested by something");
        }
    }

    private static ThresholdCondition Above(double limit) => new(Comparison.Above, limit, 0, None);

    private static long At(long seconds) => seconds * 1_000_000;

    private static List<(int From, int? To, double? Value, int Occurrences)> Run(AlertCondition condition, params (int At, double Value)[] readings) =>
        Run(condition, readings[^1].At, readings);

    private static List<(int From, int? To, double? Value, int Occurrences)> Run(AlertCondition condition, int until, params (int At, double Value)[] readings)
    {
        var machine = new EpisodeMachine(condition);
        var episodes = new List<Episode>();
        foreach (var (at, value) in readings)
        {
            machine.Read(new Sample(At(at), value), episodes);
        }

        machine.AdvanceTo(At(until), episodes);
        if (machine.Open is { } open)
        {
            episodes.Add(open);
        }

        return episodes.ConvertAll(e => ((int)(e.RaisedAt / 1_000_000), e.IsOver ? (int?)(e.ClearedAt / 1_000_000) : null, e.Value, e.Occurrences));
    }
}
