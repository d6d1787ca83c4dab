using System.ComponentModel.DataAnnotations;

namespace CityPulse.Api.Energy;

/// <summary>What turns other carriers into kWh, and how demand is measured. Section <c>Energy</c>.</summary>
internal sealed class EnergyOptions
{
    public const string Section = "Energy";

    /// <summary>
    /// kWh in a cubic metre of gas as metered. The default is what British gas bills print: a calorific value of 39.5 MJ/m³ times
    /// the volume correction 1.02264, over 3.6 MJ/kWh. Suppliers publish the value of their own gas; set it.
    /// </summary>
    [Range(1, 50, ErrorMessage = "Energy:GasKWhPerM3 must lie between 1 and 50 kWh/m³.")]
    public double GasKWhPerM3 { get; set; } = 39.5 * 1.02264 / 3.6;

    /// <summary>Minutes of the blocks whose average power is the demand. They begin with the hour.</summary>
    [AllowedValues(15, 30, 60, ErrorMessage = "Energy:PeakBlockMinutes must be 15, 30 or 60.")]
    public int PeakBlockMinutes { get; set; } = 15;
}
