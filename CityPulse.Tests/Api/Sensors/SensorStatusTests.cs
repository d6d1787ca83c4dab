using CityPulse.Api.Sensors.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Sensors;

public sealed class SensorStatusTests
{
    private static readonly DateTimeOffset Now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(900, 0)]
    [InlineData(900, 44)]
    [InlineData(900, 45)]
    [InlineData(900, 60 * 23)]
    [InlineData(900, 60 * 24)]
    [InlineData(86_400, 60 * 25)]
    [InlineData(86_400, 60 * 71)]
    [InlineData(86_400, 60 * 72)]
    public void A_status_holds_until_it_says_so_and_no_longer(int intervalSeconds, int silentMinutes)
    {
        var last = Now.AddMinutes(-silentMinutes);
        var status = SensorStatus.Of(last, intervalSeconds, Now);
        if (SensorStatus.ChangesAt(last, intervalSeconds, Now) is { } change)
        {
            change.ShouldBeGreaterThan(Now);
            SensorStatus.Of(last, intervalSeconds, change.AddTicks(-1)).ShouldBe(status);
            SensorStatus.Of(last, intervalSeconds, change).ShouldNotBe(status);
        }
        else
        {
            status.ShouldBe(SensorStatus.Offline);
            SensorStatus.Of(last, intervalSeconds, Now.AddYears(10)).ShouldBe(status);
        }
    }

    [Fact]
    public void A_sensor_that_never_reported_waits_for_a_reading_and_not_for_the_clock() => SensorStatus.ChangesAt(null, 60, Now).ShouldBeNull();
}
