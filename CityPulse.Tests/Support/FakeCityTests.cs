using Shouldly;

namespace CityPulse.Tests.Support;

public sealed class FakeCityTests
{
    private static readonly DateTimeOffset From = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_same_seed_gives_the_same_city()
    {
        var (one, other) = (new FakeCity(7), new FakeCity(7));

        one.Building().ShouldBeEquivalentTo(other.Building());
        var sensor = one.Sensor();
        sensor.ShouldBe(other.Sensor());
        one.Readings(sensor, From, 50).ShouldBe(other.Readings(sensor, From, 50));
    }

    [Fact]
    public void Another_seed_gives_another_city() =>
        new FakeCity(8).Building().Name.ShouldNotBe(new FakeCity(7).Building().Name);

    [Fact]
    public void Readings_follow_the_sensors_interval()
    {
        var city = new FakeCity(1);
        var readings = city.Readings(city.Sensor(), From, 3);

        readings.Select(reading => reading.At).ShouldBe([From, From.AddMinutes(15), From.AddMinutes(30)]);
    }
}
