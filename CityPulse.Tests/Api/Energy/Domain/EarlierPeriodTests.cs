using System.Globalization;
using CityPulse.Api.Energy.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Energy.Domain;

public sealed class EarlierPeriodTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    // Whole local weeks around the clock changes, and a period that is of no whole days.
    [Theory]
    [InlineData("2026-03-29T22:00:00Z", "2026-04-05T22:00:00Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z")]
    [InlineData("2026-10-25T23:00:00Z", "2026-11-01T23:00:00Z", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z")]
    [InlineData("2026-03-29T12:00:00Z", "2026-03-30T18:00:00Z", "2026-03-28T06:00:00Z", "2026-03-29T12:00:00Z")]
    public void The_previous_period_is_as_many_days_before(string from, string to, string expectedFrom, string expectedTo) =>
        EarlierPeriod.Previous(At(from), At(to), Berlin).ShouldBe((At(expectedFrom), At(expectedTo)));

    [Theory]
    [InlineData("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", "2025-02-28T23:00:00Z", "2025-03-31T22:00:00Z")]
    [InlineData("2024-02-28T23:00:00Z", "2024-02-29T23:00:00Z", "2023-02-27T23:00:00Z", "2023-02-28T23:00:00Z")]
    [InlineData("2026-07-01T12:30:00Z", "2026-07-01T13:30:00Z", "2025-07-01T12:30:00Z", "2025-07-01T13:30:00Z")]
    public void Last_year_is_the_same_dates(string from, string to, string expectedFrom, string expectedTo) =>
        EarlierPeriod.LastYear(At(from), At(to), Berlin).ShouldBe((At(expectedFrom), At(expectedTo)));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
