using CityPulse.Api.Sensors.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Sensors;

public sealed class QuantityTableTests
{
    [Theory]
    [InlineData("electric_energy", "kWh", 1, 1)]
    [InlineData("electric_energy", "Wh", 1500, 1.5)]
    [InlineData("electric_energy", "MWh", 2, 2000)]
    [InlineData("electric_energy", "MJ", 3.6, 1)]
    [InlineData("heat_energy", "GJ", 1, 277.7777777777778)]
    [InlineData("electric_power", "W", 250, 0.25)]
    [InlineData("gas_volume", "[cft_i]", 100, 2.8316846592)]
    [InlineData("water_volume", "L", 1000, 1)]
    [InlineData("water_flow", "L/s", 1, 3.6)]
    [InlineData("temperature", "Cel", 20.5, 20.5)]
    [InlineData("temperature", "K", 273.15, 0)]
    [InlineData("temperature", "[degF]", 212, 100)]
    [InlineData("temperature", "[degF]", -40, -40)]
    [InlineData("humidity", "%", 55, 55)]
    [InlineData("co2", "[ppm]", 420, 420)]
    [InlineData("co2", "%", 0.1, 1000)]
    [InlineData("pm25", "mg/m3", 0.012, 12)]
    [InlineData("occupancy", "{persons}", 12, 12)]
    [InlineData("illuminance", "klx", 1, 1000)]
    [InlineData("noise", "B[SPL]", 5.5, 55)]
    [InlineData("traffic_flow", "{vehicles}/min", 2, 120)]
    [InlineData("traffic_flow", "/d", 48, 2)]
    [InlineData("traffic_speed", "[mi_i]/h", 60, 96.56064)]
    [InlineData("traffic_speed", "m/s", 10, 36)]
    [InlineData("travel_time", "min", 2, 120)]
    public void Values_are_converted_to_the_base_unit_and_back(string quantity, string unit, double value, double expected)
    {
        var entry = QuantityTable.All[quantity];
        entry.Allows(unit).ShouldBeTrue();
        entry.ToBase(value, unit).ShouldBe(expected, 1e-9 * Math.Max(1, Math.Abs(expected)));
        entry.FromBase(expected, unit).ShouldBe(value, 1e-9 * Math.Max(1, Math.Abs(value)));
    }

    [Theory]
    [InlineData("electric_energy", "kW")]
    [InlineData("electric_power", "kWh")]
    [InlineData("temperature", "%")]
    [InlineData("gas_volume", "kWh")]
    [InlineData("traffic_speed", "/h")]
    [InlineData("co2", "ug/m3")]
    [InlineData("electric_energy", "KWH")]
    [InlineData("electric_energy", "")]
    [InlineData("traffic_flow", "{vehicles/h")]
    public void A_unit_of_another_dimension_is_not_allowed(string quantity, string unit) =>
        QuantityTable.All[quantity].Allows(unit).ShouldBeFalse();

    [Theory]
    [InlineData("electric_energy")]
    [InlineData("electric_power")]
    [InlineData("gas_volume")]
    [InlineData("heat_energy")]
    [InlineData("water_volume")]
    [InlineData("temperature")]
    [InlineData("humidity")]
    [InlineData("co2")]
    [InlineData("pm25")]
    [InlineData("occupancy")]
    [InlineData("illuminance")]
    [InlineData("noise")]
    [InlineData("traffic_flow")]
    [InlineData("traffic_speed")]
    public void Every_quantity_of_the_contract_is_known(string quantity) => QuantityTable.All.ShouldContainKey(quantity);

    [Fact]
    public void Every_entry_is_consistent()
    {
        foreach (var (name, quantity) in QuantityTable.All)
        {
            quantity.Name.ShouldBe(name);
            quantity.Units.ShouldContainKey(quantity.DefaultUnit, name);
            quantity.Units[quantity.BaseUnit].ShouldBe(new UnitConversion(1), name);
            SensorKinds.All.ShouldContain(quantity.DefaultKind, name);
            quantity.DefaultIntervalSeconds.ShouldBeGreaterThan(0, name);
            quantity.Units.Values.ShouldAllBe(u => double.IsFinite(u.Factor) && u.Factor > 0, name);
        }
    }

    [Theory]
    [InlineData(null, 900, "never")]
    [InlineData(0, 900, "online")]
    [InlineData(-120, 900, "online")]
    [InlineData(2699, 900, "online")]
    [InlineData(2700, 900, "stale")]
    [InlineData(86399, 900, "stale")]
    [InlineData(86400, 900, "offline")]
    [InlineData(200_000, 86_400, "online")]
    [InlineData(259_200, 86_400, "offline")]
    public void Status_follows_the_age_of_the_last_reading(int? ageSeconds, int intervalSeconds, string expected)
    {
        var now = new DateTimeOffset(2026, 3, 29, 12, 0, 0, TimeSpan.Zero);
        SensorStatus.Of(ageSeconds is { } age ? now.AddSeconds(-age) : null, intervalSeconds, now).ShouldBe(expected);
    }
}
