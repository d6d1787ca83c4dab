using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Sensors.Domain;

namespace CityPulse.Api.Readings.Quarantine;

/// <summary>What a sensor's settings say of what it can measure.</summary>
internal static class PlausibleSteps
{
    /// <returns>Null where nothing can be said: then nothing is held.</returns>
    public static PlausibleStep? Of(string quantity, string unit, string kind, int intervalSeconds, double ratedPowerKw, QuarantineOptions options)
    {
        // A meter of volumes has no rated power that could be compared without guessing what a volume holds.
        if (!options.Enabled || ratedPowerKw <= 0 || Measures(quantity, kind) is not { } step || !QuantityTable.All[quantity].Allows(unit))
        {
            return null;
        }

        var perHour = QuantityTable.All[quantity].FromBase(ratedPowerKw, unit);
        return new PlausibleStep(step, perHour, intervalSeconds / 3600.0, options.Margin);
    }

    private static StepKind? Measures(string quantity, string kind) => (quantity, kind) switch
    {
        ("electric_power" or "heat_power", SensorKinds.Gauge) => StepKind.Power,
        ("electric_energy" or "heat_energy" or "cooling_energy" or "gas_energy", SensorKinds.Delta) => StepKind.Amount,
        ("electric_energy" or "heat_energy" or "cooling_energy" or "gas_energy", SensorKinds.Counter) => StepKind.Register,
        _ => null,
    };
}
