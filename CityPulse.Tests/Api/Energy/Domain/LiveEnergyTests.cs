using CityPulse.Api.Energy.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Energy.Domain;

public sealed class LiveEnergyTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15);

    [Theory]
    [InlineData((int)MeterKind.PowerLinear, 30.0, 30.0)]
    [InlineData((int)MeterKind.PowerHeld, 30.0, 30.0)]
    [InlineData((int)MeterKind.DeltaToEnd, 5.0, 20.0)]
    [InlineData((int)MeterKind.DeltaFromStart, 5.0, 20.0)]
    [InlineData((int)MeterKind.Counter, 105.0, 20.0)]
    [InlineData((int)MeterKind.Counter, 1.0, 0.0)]
    public void The_newest_reading_tells_the_power(int kind, double value, double kw) =>
        Of((MeterKind)kind, Now, value, (Now - Quarter, 100)).ShouldBe(kw, 1e-9);

    [Theory]
    [InlineData((int)MeterKind.PowerLinear, 45, true)]
    [InlineData((int)MeterKind.PowerLinear, 46, false)]
    [InlineData((int)MeterKind.DeltaFromStart, 60, true)]
    [InlineData((int)MeterKind.DeltaFromStart, 61, false)]
    public void An_old_reading_tells_nothing(int kind, int minutes, bool tells) =>
        (Of((MeterKind)kind, Now.AddMinutes(-minutes), 8, null) > 0).ShouldBe(tells);

    [Fact]
    public void A_register_needs_two_readings_close_enough()
    {
        Of(MeterKind.Counter, Now, 105, null).ShouldBe(0);
        Of(MeterKind.Counter, Now, 105, (Now.AddHours(-2), 100)).ShouldBe(0);
    }

    [Fact]
    public void A_building_is_told_of_when_it_has_news_and_not_too_often()
    {
        var pace = new TellingPace(TimeSpan.FromSeconds(5));
        var (organization, building) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        pace.Due(Now).ShouldBeEmpty();
        pace.Touch(organization, building);
        pace.Due(Now).ShouldBe([(organization, building)]);
        pace.Told(building, Now, TimeSpan.FromMilliseconds(10));
        pace.Due(Now.AddSeconds(10)).ShouldBeEmpty();

        pace.Touch(organization, building);
        pace.Told(building, Now, TimeSpan.FromMilliseconds(10));
        pace.Touch(organization, building);
        pace.Due(Now.AddSeconds(4.9)).ShouldBeEmpty();
        pace.Due(Now.AddSeconds(5)).ShouldHaveSingleItem();
    }

    [Fact]
    public void What_takes_long_is_told_less_often()
    {
        var pace = new TellingPace(TimeSpan.FromSeconds(5));
        var building = Guid.CreateVersion7();
        pace.Told(building, Now, TimeSpan.FromSeconds(1));
        pace.Touch(Guid.CreateVersion7(), building);
        pace.Due(Now.AddSeconds(19)).ShouldBeEmpty();
        pace.Due(Now.AddSeconds(20)).ShouldHaveSingleItem();
    }

    private static double Of(MeterKind kind, DateTimeOffset at, double value, (DateTimeOffset At, double Value)? before) =>
        CurrentPower.Of(new MeterSpec(kind, Quarter, 1), at.UtcTicks, value, before is { } b ? (b.At.UtcTicks, b.Value) : null, Now.UtcTicks);
}
