using System.Globalization;
using CityPulse.Samples.Domain;
using Shouldly;

namespace CityPulse.Tests.Samples;

public sealed class SeriesClockTests
{
    [Theory]
    [InlineData("2015-11-22T06:00", "2018-02-08T06:00")]
    [InlineData("2012-10-12T00:30", "2014-01-25T06:30")]
    [InlineData("2012-02-20T13:00", "2014-02-28T00:00")]
    public void A_long_recording_keeps_weekday_and_season_and_has_a_year_behind_it(string first, string last)
    {
        for (var day = 0; day < 800; day++)
        {
            var now = Time("2026-11-24T02:54").AddDays(day);

            var clock = SeriesClock.Choose(Time(first), Time(last), now);

            (clock.ShiftWeeks % 52).ShouldBe(0);
            (now - Time(first).AddDays(7 * clock.ShiftWeeks)).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromDays(371));
            clock.RepeatDays.ShouldBe(364);
        }
    }

    [Fact]
    public void A_short_recording_moves_by_whole_weeks_and_runs_on_past_now()
    {
        var (first, last, now) = (Time("2015-08-31T18:22"), Time("2015-09-17T16:24"), Time("2026-11-24T02:54"));

        var clock = SeriesClock.Choose(first, last, now);

        var end = last.AddDays(7 * clock.ShiftWeeks);
        end.DayOfWeek.ShouldBe(last.DayOfWeek);
        end.ShouldBeGreaterThan(now);
        end.ShouldBeLessThanOrEqualTo(now.AddDays(7));
        clock.RepeatDays.ShouldBe(14);
    }

    [Fact]
    public void The_shift_is_kept_in_a_tag_and_read_back()
    {
        var clock = new SeriesClock(Time("2015-08-31T18:22"), Time("2015-09-17T16:24"), 584);

        clock.Tag.ShouldBe("shifted-584-weeks");
        SeriesClock.ShiftWeeksOf(["sample", clock.Tag]).ShouldBe(584);
        SeriesClock.ShiftWeeksOf(["sample", "shifted-x-weeks", "replay"]).ShouldBeNull();
    }

    private static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture);
}
