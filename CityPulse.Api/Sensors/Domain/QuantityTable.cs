using System.Collections.Frozen;

namespace CityPulse.Api.Sensors.Domain;

using Units = Dictionary<string, UnitConversion>;

/// <summary>
/// Every quantity that CityPulse knows, with the units that it may be measured in (UCUM codes, <c>ucum.org</c>) and
/// what a sensor is taken for that does not say.
/// </summary>
internal static class QuantityTable
{
    private const int Minute = 60;
    private const int QuarterHour = 900;

    private static readonly Units Energy = new()
    {
        ["kWh"] = new(1), ["Wh"] = new(1e-3), ["MWh"] = new(1e3), ["GWh"] = new(1e6),
        ["kW.h"] = new(1), ["W.h"] = new(1e-3), ["MW.h"] = new(1e3), ["GW.h"] = new(1e6),
        // US therm (NIST SP 811, appendix B.8) and international-table Btu; UCUM knows the second only.
        ["therm"] = new(105.4804 / 3.6), ["[Btu_IT]"] = new(1055.05585262 / 3.6e6),
        ["J"] = new(1 / 3.6e6), ["kJ"] = new(1 / 3.6e3), ["MJ"] = new(1 / 3.6), ["GJ"] = new(1e3 / 3.6),
    };

    private static readonly Units Power = new() { ["kW"] = new(1), ["W"] = new(1e-3), ["MW"] = new(1e3), ["GW"] = new(1e6) };

    // US gallon and international foot, exact by definition (NIST Handbook 44, appendix C).
    private static readonly Units Volume = new()
    {
        ["m3"] = new(1), ["L"] = new(1e-3), ["l"] = new(1e-3), ["dm3"] = new(1e-3), ["hL"] = new(0.1),
        ["[gal_us]"] = new(0.003785411784), ["[cft_i]"] = new(0.028316846592), ["[ft_i]3"] = new(0.028316846592),
    };

    private static readonly Units VolumeFlow = new()
    {
        ["m3/h"] = new(1), ["m3/s"] = new(3600), ["m3/min"] = new(60), ["L/h"] = new(1e-3), ["L/min"] = new(0.06), ["L/s"] = new(3.6),
        ["l/h"] = new(1e-3), ["l/min"] = new(0.06), ["l/s"] = new(3.6),
    };

    private static readonly Units Temperature = new()
    {
        ["Cel"] = new(1), ["K"] = new(1, -273.15), ["[degF]"] = new(5.0 / 9, -160.0 / 9),
    };

    private static readonly Units Percentage = new() { ["%"] = new(1), ["1"] = new(100) };
    private static readonly Units Count = new() { ["1"] = new(1) };
    private static readonly Units Fraction = new() { ["[ppm]"] = new(1), ["[ppb]"] = new(1e-3), ["%"] = new(1e4) };
    private static readonly Units MassConcentration = new() { ["ug/m3"] = new(1), ["mg/m3"] = new(1e3), ["ng/m3"] = new(1e-3) };
    private static readonly Units Illuminance = new() { ["lx"] = new(1), ["klx"] = new(1e3) };
    private static readonly Units Irradiance = new() { ["W/m2"] = new(1), ["kW/m2"] = new(1e3) };
    private static readonly Units SoundLevel = new() { ["dB"] = new(1), ["dB[SPL]"] = new(1), ["B[SPL]"] = new(10) };
    private static readonly Units Rate = new() { ["/h"] = new(1), ["/min"] = new(60), ["/s"] = new(3600), ["/d"] = new(1.0 / 24), ["1/h"] = new(1) };

    private static readonly Units Speed = new()
    {
        ["km/h"] = new(1), ["m/s"] = new(3.6), ["[mi_i]/h"] = new(1.609344), ["[kn_i]"] = new(1.852),
    };

    private static readonly Units Duration = new() { ["s"] = new(1), ["min"] = new(60), ["h"] = new(3600), ["ms"] = new(1e-3) };

    private static readonly Units Pressure = new()
    {
        ["Pa"] = new(1), ["hPa"] = new(100), ["kPa"] = new(1e3), ["mbar"] = new(100), ["bar"] = new(1e5), ["[psi]"] = new(6894.757293168361),
    };

    private static readonly Units Length = new() { ["mm"] = new(1), ["cm"] = new(10), ["m"] = new(1e3), ["[in_i]"] = new(25.4) };
    private static readonly Units Angle = new() { ["deg"] = new(1), ["rad"] = new(180 / Math.PI) };
    private static readonly Units Voltage = new() { ["V"] = new(1), ["mV"] = new(1e-3), ["kV"] = new(1e3) };
    private static readonly Units Current = new() { ["A"] = new(1), ["mA"] = new(1e-3), ["kA"] = new(1e3) };
    private static readonly Units Frequency = new() { ["Hz"] = new(1), ["kHz"] = new(1e3), ["MHz"] = new(1e6) };

    /// <summary>All quantities by name.</summary>
    public static readonly FrozenDictionary<string, Quantity> All = new[]
    {
        // Energy and water: meters.
        Amount("electric_energy", "kWh", Energy),
        Gauge("electric_power", "kW", Power),
        Amount("gas_volume", "m3", Volume),
        Amount("gas_energy", "kWh", Energy),
        Amount("heat_energy", "kWh", Energy),
        Gauge("heat_power", "kW", Power),
        Amount("cooling_energy", "kWh", Energy),
        Amount("water_volume", "m3", Volume),
        Gauge("water_flow", "m3/h", VolumeFlow),
        Gauge("gas_flow", "m3/h", VolumeFlow),
        Gauge("voltage", "V", Voltage),
        Gauge("electric_current", "A", Current),
        Gauge("frequency", "Hz", Frequency),
        Gauge("power_factor", "1", Count),

        // Rooms and weather.
        Gauge("temperature", "Cel", Temperature),
        Gauge("humidity", "%", Percentage),
        Gauge("pressure", "hPa", Pressure, baseUnit: "Pa"),
        Gauge("illuminance", "lx", Illuminance),
        Gauge("solar_irradiance", "W/m2", Irradiance),
        Gauge("wind_speed", "m/s", Speed, baseUnit: "km/h"),
        Gauge("wind_direction", "deg", Angle),
        Amount("precipitation", "mm", Length),
        Gauge("water_level", "m", Length, baseUnit: "mm"),

        // Air and noise.
        Gauge("co2", "[ppm]", Fraction),
        Gauge("voc", "[ppb]", Fraction, baseUnit: "[ppm]"),
        Gauge("pm1", "ug/m3", MassConcentration),
        Gauge("pm25", "ug/m3", MassConcentration),
        Gauge("pm10", "ug/m3", MassConcentration),
        Gauge("no2", "ug/m3", MassConcentration),
        Gauge("o3", "ug/m3", MassConcentration),
        Gauge("so2", "ug/m3", MassConcentration),
        Gauge("co", "mg/m3", MassConcentration, baseUnit: "ug/m3"),
        Gauge("noise", "dB", SoundLevel),

        // People and traffic.
        Gauge("occupancy", "1", new() { ["1"] = new(1), ["%"] = new(0.01) }),
        Amount("people_count", "1", Count),
        Gauge("occupancy_rate", "%", Percentage),
        Gauge("parking_occupancy", "%", Percentage),
        Gauge("road_occupancy", "%", Percentage, 5 * Minute),
        Gauge("traffic_flow", "/h", Rate, 5 * Minute),
        Amount("traffic_count", "1", Count, 5 * Minute),
        Gauge("traffic_speed", "km/h", Speed, 5 * Minute),
        Gauge("travel_time", "s", Duration, 5 * Minute),

        // The devices themselves.
        Gauge("fill_level", "%", Percentage),
        Gauge("battery_level", "%", Percentage),
    }.ToFrozenDictionary(q => q.Name);

    private static Quantity Gauge(string name, string unit, Units units, int intervalSeconds = QuarterHour, string? baseUnit = null) =>
        new(name, baseUnit ?? unit, units.ToFrozenDictionary(), unit, SensorKinds.Gauge, intervalSeconds);

    /// <summary>What is billed or counted by interval.</summary>
    private static Quantity Amount(string name, string unit, Units units, int intervalSeconds = QuarterHour) =>
        new(name, unit, units.ToFrozenDictionary(), unit, SensorKinds.Delta, intervalSeconds);
}
