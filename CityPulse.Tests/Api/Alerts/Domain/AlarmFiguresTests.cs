using CityPulse.Api.Alerts.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Domain;

public sealed class AlarmFiguresTests
{
    private const long Second = 1_000_000;
    private const long Hour = 3600 * Second;
    private static readonly Guid Rule = Guid.CreateVersion7();
    private static readonly Guid Noisy = Guid.CreateVersion7();
    private static readonly Guid Calm = Guid.CreateVersion7();

    [Fact]
    public void Alerts_are_counted_by_ten_minutes_and_more_than_ten_are_a_flood()
    {
        var spans = Enumerable.Range(0, 11).Select(i => Span(Noisy, i * 50 * Second)).Append(Span(Calm, Hour));
        var figures = AlarmFigures.Of(spans, 0, 2 * Hour);
        figures.Alerts.ShouldBe(12);
        figures.AlertsPer10Minutes.ShouldBe(1);
        figures.PeakPer10Minutes.ShouldBe(11);
        figures.FloodSeconds.ShouldBe(600);
        figures.Top.Select(t => (t.Source.SubjectId, t.Alerts)).ShouldBe([(Noisy, 11), (Calm, 1)]);
    }

    [Fact]
    public void Three_within_a_minute_from_one_source_chatter()
    {
        AlarmFigures.CountChattering([0, 20 * Second, 40 * Second]).ShouldBe(3);
        AlarmFigures.CountChattering([0, 20 * Second, 60 * Second]).ShouldBe(0);
        AlarmFigures.CountChattering([0, 20 * Second, 40 * Second, 65 * Second, 200 * Second]).ShouldBe(4);
        AlarmFigures.CountChattering([0, 1, 2, 100 * Second, 200 * Second, 200 * Second + 1, 200 * Second + 2]).ShouldBe(6);
        AlarmFigures.Of([Span(Noisy, 0), Span(Calm, 1), Span(Noisy, 2)], 0, Hour).ChatteringAlerts.ShouldBe(0, "two sources");
    }

    [Fact]
    public void Active_for_more_than_a_day_is_stale()
    {
        var to = 100 * Hour;
        var figures = AlarmFigures.Of(
            [new(Rule, Noisy, 75 * Hour, Signal.Never), new(Rule, Calm, 77 * Hour, Signal.Never), new(Rule, Calm, 10 * Hour, 99 * Hour)], 90 * Hour, to);
        figures.Stale.ShouldBe(1);
        figures.Alerts.ShouldBe(0, "they were raised before");
    }

    [Fact]
    public void Noise_about_a_limit_is_cured_by_a_deadband_and_a_true_alarm_is_left_alone()
    {
        var condition = new ThresholdCondition(Comparison.Above, 30, 0, new Delays(0, 0));
        // Half an hour of flutter about the limit on top of one long excursion.
        var noisy = Enumerable.Range(0, 360).Select(i => new Sample(i * 10 * Second, i < 180 ? 30 + ((i % 2 == 0) ? 0.4 : -0.1) : 20)).ToList();
        var suggestion = Tuning.Of(condition, noisy, Hour);
        suggestion.Hysteresis.ShouldBe(0.5);

        var clean = Enumerable.Range(0, 360).Select(i => new Sample(i * 10 * Second, i / 60 % 2 == 0 ? 20 : 40)).ToList();
        Tuning.Of(condition, clean, Hour).ShouldBe(default);
    }

    private static AlarmSpan Span(Guid subject, long at) => new(Rule, subject, at, at + Second);
}
