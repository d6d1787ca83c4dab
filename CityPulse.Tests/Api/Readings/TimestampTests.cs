using System.Globalization;
using System.Text;
using CityPulse.Api.Readings.Ingest;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class TimestampTests
{
    [Theory]
    [InlineData("1970-01-01T00:00:00Z", 0)]
    [InlineData("1970-01-01T00:00:00.000001Z", 1)]
    [InlineData("1970-01-01T00:00:00.1Z", 100_000)]
    [InlineData("1970-01-01T01:00:00+01:00", 0)]
    [InlineData("1969-12-31T19:00:00-05:00", 0)]
    [InlineData("1969-12-31T23:59:59.999999Z", -1)]
    [InlineData("2000-01-01T00:00:00-00:00", 946_684_800_000_000)]
    [InlineData("2000-01-01t00:00:00z", 946_684_800_000_000)]
    [InlineData("2000-01-01 00:00:00.123456789+00:00", 946_684_800_123_456)]
    public void Times_are_read_to_the_microsecond(string text, long expected)
    {
        Timestamp.TryParse(Encoding.UTF8.GetBytes(text), out var microseconds).ShouldBe(Timestamp.Outcome.Good);
        microseconds.ShouldBe(expected);
    }

    [Fact]
    public void Every_day_of_four_centuries_is_the_day_that_dotnet_counts()
    {
        for (var day = new DateTime(1900, 1, 1, 0, 0, 0, DateTimeKind.Utc); day.Year < 2301; day = day.AddDays(1))
        {
            var text = day.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
            Timestamp.TryParse(Encoding.UTF8.GetBytes(text), out var microseconds).ShouldBe(Timestamp.Outcome.Good);
            if (Timestamp.ToDateTime(microseconds) != day)
            {
                Assert.Fail($"{text} was read as {Timestamp.ToDateTime(microseconds):O}.");
            }
        }
    }

    [Theory]
    [InlineData("2026-01-01T00:00:00")]
    [InlineData("2026-01-01T00:00:00.5")]
    public void A_time_without_an_offset_is_told_apart(string text) =>
        Timestamp.TryParse(Encoding.UTF8.GetBytes(text), out _).ShouldBe(Timestamp.Outcome.WithoutOffset);

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2026-01-01")]
    [InlineData("2026-01-01T00:00Z")]
    [InlineData("2026-13-01T00:00:00Z")]
    [InlineData("2026-02-29T00:00:00Z")]
    [InlineData("2026-00-10T00:00:00Z")]
    [InlineData("0000-01-01T00:00:00Z")]
    [InlineData("2026-01-01T24:00:00Z")]
    [InlineData("2026-01-01T00:60:00Z")]
    [InlineData("2026-01-01T00:00:60Z")]
    [InlineData("2026-01-01T00:00:00.Z")]
    [InlineData("2026-01-01T00:00:00+1:00")]
    [InlineData("2026-01-01T00:00:00+24:00")]
    [InlineData("2026-01-01T00:00:00+01:60")]
    [InlineData("2026-01-01T00:00:00+0100")]
    [InlineData("2026-01-01T00:00:00Z ")]
    [InlineData("2026-01-01T00:00:00ZZ")]
    [InlineData("２026-01-01T00:00:00Z")]
    [InlineData("1767225600")]
    public void What_is_no_time_is_refused(string text) =>
        Timestamp.TryParse(Encoding.UTF8.GetBytes(text), out _).ShouldBe(Timestamp.Outcome.Malformed);
}
