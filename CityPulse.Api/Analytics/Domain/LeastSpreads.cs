using CityPulse.Api.Sensors.Domain;

namespace CityPulse.Api.Analytics.Domain;

/// <summary>
/// How little a quantity can be told apart by a common sensor: the floor under a MAD, so that a reading one digit off a constant series is no
/// outlier. Quantities without an entry (amounts, flows, powers: their size says nothing of their spread) take a hundredth of the level.
/// </summary>
internal static class LeastSpreads
{
    /// <summary>In the quantity's base unit.</summary>
    private static readonly Dictionary<string, double> Known = new()
    {
        ["temperature"] = 0.1,
        ["humidity"] = 0.5,
        ["pressure"] = 10,
        ["wind_speed"] = 0.5,
        ["wind_direction"] = 5,
        ["co2"] = 10,
        ["voc"] = 0.01,
        ["pm1"] = 0.5,
        ["pm25"] = 0.5,
        ["pm10"] = 0.5,
        ["no2"] = 0.5,
        ["o3"] = 0.5,
        ["so2"] = 0.5,
        ["noise"] = 0.5,
        ["voltage"] = 0.2,
        ["frequency"] = 0.005,
        ["power_factor"] = 0.005,
        ["occupancy_rate"] = 0.5,
        ["parking_occupancy"] = 0.5,
        ["road_occupancy"] = 0.25,
        ["traffic_speed"] = 0.5,
        ["fill_level"] = 0.5,
        ["battery_level"] = 0.5,
    };

    /// <summary>In the sensor's unit; null where the level decides.</summary>
    public static double? Of(string quantity, string unit) =>
        Known.TryGetValue(quantity, out var floor) && QuantityTable.All.TryGetValue(quantity, out var known) && known.Allows(unit)
            ? Math.Abs(known.FromBase(floor, unit) - known.FromBase(0, unit))
            : null;
}
