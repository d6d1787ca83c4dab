using CityPulse.Api.Sensors.Domain;

namespace CityPulse.Api.Energy.Domain;

/// <summary>Which quantities are energy, which carrier they are of, and what a unit is in kWh (the table's base units are kWh, kW and m³).</summary>
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

    public static string CarrierOf(string quantity) => Carriers.First(c => Quantities(c).Contains(quantity));

    /// <summary>kWh of one unit; for power the kW of one unit. Null when the quantity or its unit is none of energy.</summary>
    /// <param name="gasKWhPerM3">What a cubic metre of gas holds (gross calorific value × state correction).</param>
    public static double? ToKWh(string quantity, string unit, double gasKWhPerM3) =>
        Quantities(null).Contains(quantity) && QuantityTable.All.TryGetValue(quantity, out var known) && known.Allows(unit)
            ? known.ToBase(1, unit) * (quantity == GasVolume ? gasKWhPerM3 : 1)
            : null;
}
