using CityPulse.Api.Auth.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Auth.Domain;

public sealed class KeyScheduleTests
{
    private static readonly DateTimeOffset Day0 = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly KeyPolicy Policy = new(TimeSpan.FromDays(30), TimeSpan.FromDays(1), TimeSpan.FromMinutes(20));

    [Fact]
    public void The_first_key_signs_at_once() => KeySchedule.Next(null, Day0, Policy).ShouldBe(Day0);

    [Theory]
    [InlineData(0, null)]
    [InlineData(28.99, null)]
    [InlineData(29, 30.0)]
    [InlineData(29.5, 30.5)]
    [InlineData(30, 31.0)]
    [InlineData(100, 101.0)]
    public void The_next_key_is_published_ahead_of_its_first_signature_however_late_it_is(double now, double? next) =>
        KeySchedule.Next(Day0, Day0.AddDays(now), Policy).ShouldBe(next is { } days ? Day0.AddDays(days) : null);

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(0, 2)]
    [InlineData(29, 2)]
    [InlineData(30, 1)]
    [InlineData(59.9, 1)]
    [InlineData(60, 0)]
    public void The_newest_key_whose_time_has_come_signs(double now, int expected) =>
        KeySchedule.Signing([Day0.AddDays(60), Day0.AddDays(30), Day0], Day0.AddDays(now)).ShouldBe(expected);

    [Fact]
    public void A_key_is_published_until_its_last_token_has_expired() =>
        KeySchedule.End(Day0.AddDays(30), Policy).ShouldBe(Day0.AddDays(30).AddMinutes(20));
}
