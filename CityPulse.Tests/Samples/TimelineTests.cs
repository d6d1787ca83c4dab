using System.Globalization;
using CityPulse.Samples.Domain;
using Shouldly;

namespace CityPulse.Tests.Samples;

public sealed class TimelineTests
{
    private static readonly TimeZoneInfo Chicago = TimeZoneInfo.FindSystemTimeZoneById("America/Chicago");

    [Fact]
    public void Rows_move_by_the_clocks_weeks()
    {
        var rows = Hourly("2020-01-01T00:00", 24 * 8);

        At(rows, weeks: 52, TimeZoneInfo.Utc, after: null, take: 2).ShouldBe(["2020-12-30T00:00Z", "2020-12-30T01:00Z"]);
    }

    [Fact]
    public void After_the_end_the_last_whole_weeks_come_again_without_a_gap_or_a_double()
    {
        var rows = Hourly("2020-01-01T00:00", 24 * 10);
        var timeline = new Timeline(rows, Clock(rows, 0), TimeZoneInfo.Utc);

        var readings = timeline.After(null).Take(24 * 31).ToArray();

        for (var i = 1; i < readings.Length; i++)
        {
            (readings[i].At - readings[i - 1].At).ShouldBe(TimeSpan.FromHours(1));
        }

        // Ten days of rows, of which the last seven (hours 72 to 239) repeat.
        readings[239].Value.ShouldBe(239);
        readings[240].Value.ShouldBe(72);
        readings[240 + 168].Value.ShouldBe(72);
    }

    [Fact]
    public void Going_on_after_any_reading_gives_exactly_the_rest()
    {
        var rows = Hourly("2020-01-01T00:00", 24 * 10);
        var timeline = new Timeline(rows, Clock(rows, 3), Chicago);
        var all = timeline.After(null).Take(2000).ToArray();

        foreach (var i in new[] { 0, 1, 100, 239, 240, 241, 700, 1500 })
        {
            timeline.After(all[i].At).Take(5).ShouldBe(all[(i + 1)..(i + 6)]);
        }

        timeline.After(all[0].At.AddYears(-1)).First().ShouldBe(all[0]);
    }

    [Fact]
    public void Civil_time_stays_when_the_target_week_has_another_offset()
    {
        // 2015-09-17 08:00 is CDT (-5), nine weeks later is CST (-6): still eight o'clock.
        var rows = Hourly("2015-09-17T08:00", 24 * 7);

        At(rows, weeks: 9, Chicago, after: null, take: 1).ShouldBe(["2015-11-19T14:00Z"]);
    }

    [Fact]
    public void An_hour_that_the_day_lacks_is_left_out()
    {
        var rows = Hourly("2026-03-08T00:00", 24 * 8);

        At(rows, weeks: 0, Chicago, after: null, take: 4).ShouldBe(["2026-03-08T06:00Z", "2026-03-08T07:00Z", "2026-03-08T08:00Z", "2026-03-08T09:00Z"]);
        new Timeline(rows, Clock(rows, 0), Chicago).After(null).Take(4).Select(reading => reading.Value).ShouldBe([0, 1, 3, 4]);
    }

    [Fact]
    public void Of_an_hour_that_the_day_has_twice_the_first_is_taken()
    {
        var rows = Hourly("2026-11-01T00:00", 24 * 8);

        At(rows, weeks: 0, Chicago, after: null, take: 3).ShouldBe(["2026-11-01T05:00Z", "2026-11-01T06:00Z", "2026-11-01T08:00Z"]);
    }

    [Fact]
    public void A_series_with_nothing_to_repeat_ends()
    {
        SourceRow[] rows = [new(Time("2020-01-01T00:00"), 1)];
        var clock = new SeriesClock(Time("2020-01-01T00:00"), Time("2020-02-01T00:00"), 0);

        new Timeline(rows, clock, TimeZoneInfo.Utc).After(null).Count().ShouldBe(1);
    }

    [Fact]
    public void A_fast_replay_keeps_the_order_and_starts_over()
    {
        SourceRow[] rows = [new(default, 10), new(default, 11), new(default, 12)];
        var start = DateTimeOffset.FromUnixTimeSeconds(15 * 100_000);

        Enumerable.Range(0, 7)
            .Select(i => FastReplay.RowAt(rows, FastReplay.StepAt(start.AddSeconds(5 * i), 5)).Value)
            .ShouldBe([10, 11, 12, 10, 11, 12, 10]);
    }

    private static string[] At(SourceRow[] rows, int weeks, TimeZoneInfo zone, DateTimeOffset? after, int take) =>
    [
        .. new Timeline(rows, Clock(rows, weeks), zone).After(after).Take(take)
            .Select(reading => reading.At.ToString("yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture)),
    ];

    private static SourceRow[] Hourly(string first, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new SourceRow(Time(first).AddHours(i), i))];

    private static SeriesClock Clock(SourceRow[] rows, int weeks) => new(rows[0].Time, rows[^1].Time, weeks);

    private static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture);
}
