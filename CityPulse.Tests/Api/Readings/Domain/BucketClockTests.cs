using CityPulse.Api.Readings.Domain;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Readings.Domain;

public sealed class BucketClockTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    [Theory]
    [InlineData("Europe/Berlin", "2026-03-29", 23)]
    [InlineData("Europe/Berlin", "2026-03-30", 24)]
    [InlineData("Europe/Berlin", "2026-10-25", 25)]
    [InlineData("America/New_York", "2026-03-08", 23)]
    [InlineData("America/New_York", "2026-11-01", 25)]
    [InlineData("Asia/Kolkata", "2026-03-29", 24)]
    [InlineData("America/Havana", "2026-03-08", 23)]
    [InlineData("America/Havana", "2026-11-01", 25)]
    [InlineData("Asia/Beirut", "2026-03-29", 23)]
    [InlineData("Pacific/Chatham", "2026-04-05", 25)]
    public void A_day_has_the_hours_that_its_place_lives(string zone, string day, int hours)
    {
        var tz = TimeZoneInfo.FindSystemTimeZoneById(zone);
        var clock = new BucketClock(Resolution.Day, tz);

        // Found without the clock's own arithmetic: every quarter hour around, asked for its local date.
        var date = DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture);
        var noon = new DateTimeOffset(date.ToDateTime(new TimeOnly(12, 0)), TimeSpan.Zero);
        var quarters = Enumerable.Range(-200, 400).Select(q => noon.AddMinutes(15 * q))
            .Where(t => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(t, tz).DateTime) == date).ToList();
        quarters.Count.ShouldBe(hours * 4);

        foreach (var at in quarters.Append(quarters[^1].AddMinutes(15).AddMicroseconds(-1)))
        {
            clock.Find(Microseconds(at)).ShouldBe((Microseconds(quarters[0]), Microseconds(quarters[^1].AddMinutes(15))));
        }
    }

    [Fact]
    public void Days_follow_one_another_without_gap_through_ten_years()
    {
        foreach (var zone in new[] { "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Africa/Cairo", "America/St_Johns", "UTC" })
        {
            var clock = new BucketClock(Resolution.Day, TimeZoneInfo.FindSystemTimeZoneById(zone));
            var at = Microseconds(new DateTimeOffset(2009, 1, 1, 0, 0, 0, TimeSpan.Zero));
            var end = clock.Find(at).End;
            for (var day = 0; day < 3650; day++)
            {
                var next = clock.Find(end);
                next.Start.ShouldBe(end, zone);
                clock.Find(next.End - 1).ShouldBe(next, zone);
                end = next.End;
            }
        }
    }

    [Theory]
    [InlineData(nameof(Resolution.Minute), "2026-05-01T10:29:00Z", "2026-05-01T10:30:00Z")]
    [InlineData(nameof(Resolution.QuarterHour), "2026-05-01T10:15:00Z", "2026-05-01T10:30:00Z")]
    [InlineData(nameof(Resolution.Hour), "2026-05-01T10:00:00Z", "2026-05-01T11:00:00Z")]
    public void Shorter_buckets_follow_utc(string resolution, string start, string end) =>
        new BucketClock(Enum.Parse<Resolution>(resolution), TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata"))
            .Find(Microseconds(Time("2026-05-01T10:29:59.999999Z"))).ShouldBe((Microseconds(Time(start)), Microseconds(Time(end))));

    [Theory]
    [InlineData(nameof(Resolution.Minute), 20_000, false)]
    [InlineData(nameof(Resolution.Minute), 20_001, true)]
    [InlineData(nameof(Resolution.QuarterHour), 15 * 20_000, false)]
    [InlineData(nameof(Resolution.QuarterHour), (15 * 20_000) + 1, true)]
    [InlineData(nameof(Resolution.Day), 24 * 60 * 20_000, false)]
    public void Twenty_thousand_buckets_are_the_most(string resolution, int minutes, bool tooMany)
    {
        var from = Time("2001-05-01T00:00:00Z");
        new BucketClock(Enum.Parse<Resolution>(resolution), TimeZoneInfo.Utc).HasTooMany(Microseconds(from), Microseconds(from.AddMinutes(minutes))).ShouldBe(tooMany);
    }

    [Theory]
    [InlineData(1, "1m")]
    [InlineData(1000, "1m")]
    [InlineData(1001, "15m")]
    [InlineData(15_000, "15m")]
    [InlineData(15_001, "1h")]
    [InlineData(60_000, "1h")]
    [InlineData(60_001, "1d")]
    public void Auto_gives_about_a_thousand_points(int minutes, string expected) =>
        Resolutions.Parse("auto", TimeSpan.FromMinutes(minutes))!.Value.Name().ShouldBe(expected);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_fold_is_what_is_computed_over_each_bucket_by_itself(bool descending)
    {
        var random = new Random(5);
        var readings = Enumerable.Range(0, 3000).Select(i => (At: Time("2026-10-24T00:00:00Z").AddSeconds(i * 97), Value: random.NextDouble() * 1e6)).ToList();
        foreach (var resolution in new[] { Resolution.Minute, Resolution.QuarterHour, Resolution.Hour, Resolution.Day })
        {
            var clock = new BucketClock(resolution, Berlin);
            var fold = new BucketFold(clock, descending);
            var buckets = new List<Bucket>();
            foreach (var (at, value) in descending ? Enumerable.Reverse(readings) : readings)
            {
                if (fold.Add(Microseconds(at), value, out var finished))
                {
                    buckets.Add(finished);
                }
            }

            fold.End(out var last).ShouldBeTrue();
            buckets.Add(last);
            var expected = readings.GroupBy(r => clock.Find(Microseconds(r.At))).Select(g => new Bucket(
                g.Key.Start, g.Key.End, g.Min(r => r.Value), g.Max(r => r.Value), Exactly.Sum(g.Select(r => r.Value)), g.Count(), g.First().Value, g.Last().Value));
            buckets.ShouldBe(descending ? expected.Reverse() : expected);
            fold.End(out _).ShouldBeFalse();
        }
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static long Microseconds(DateTimeOffset time) => (time.UtcTicks - DateTime.UnixEpoch.Ticks) / 10;
}
