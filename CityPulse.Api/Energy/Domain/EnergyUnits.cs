namespace CityPulse.Api.Energy.Domain;

/// <summary>Which quantities are energy, which carrier they are of, and what a unit (UCUM code) is in kWh.</summary>
internal static class EnergyUnits
{
    public const string ElectricPower = "electric_power";
    public const string ElectricEnergy = "electric_energy";
    public const string GasVolume = "gas_volume";
    public const string GasEnergy = "gas_energy";
    public const string HeatEnergy = "heat_energy";

    public static readonly string[] Carriers = ["electricity", "gas", "heat"];

    /// <summary>The quantities that add up to a carrier; of all carriers without one.</summary>
    public static string[] Quantities(string? carrier) => carrier switch
    {
        "electricity" => [ElectricEnergy, ElectricPower],
        "gas" => [GasVolume, GasEnergy],
        "heat" => [HeatEnergy],
        null => [ElectricEnergy, ElectricPower, GasVolume, GasEnergy, HeatEnergy],
        _ => [],
    };

    /// <summary>kWh of one unit; for power the kW of one unit. Null when the unit is none of energy.</summary>
    /// <param name="gasKWhPerM3">What a cubic metre of gas holds (gross calorific value × state correction).</param>
    public static double? ToKWh(string quantity, string unit, double gasKWhPerM3) => quantity switch
    {
        ElectricPower => unit switch { "W" => 0.001, "kW" => 1, "MW" => 1000, _ => null },
        ElectricEnergy or HeatEnergy or GasEnergy => Energy(unit),
        GasVolume => Volume(unit) is { } m3 ? m3 * gasKWhPerM3 : Energy(unit),
        _ => null,
    };

    private static double? Energy(string unit) => unit switch
    {
        "Wh" or "W.h" => 0.001,
        "kWh" or "kW.h" => 1,
        "MWh" or "MW.h" => 1000,
        "GWh" or "GW.h" => 1_000_000,
        "J" => 1 / 3.6e6,
        "kJ" => 1 / 3600.0,
        "MJ" => 1 / 3.6,
        "GJ" => 1000 / 3.6,
        // The US therm: 105,480,400 J (Federal Register, 27 July 1968).
        "therm" or "thm" or "[thm_us]" => 105_480_400 / 3.6e6,
        _ => null,
    };

    private static double? Volume(string unit) => unit switch
    {
        "m3" => 1,
        "L" or "l" or "dm3" => 0.001,
        "[cft_i]" or "[ft_i]3" => 0.028316846592,
        _ => null,
    };
}
