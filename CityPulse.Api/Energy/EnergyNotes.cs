using System.Globalization;

namespace CityPulse.Api.Energy;

/// <summary>Why a figure is missing, in words, by the member that is null.</summary>
internal static class EnergyNotes
{
    public static Dictionary<string, string> OfTerms(EnergyBooks books, bool oneBuilding)
    {
        var notes = new Dictionary<string, string>();
        if (Cost(books, oneBuilding) is { } cost)
        {
            notes["cost"] = cost;
        }

        if (Co2(books, oneBuilding) is { } co2)
        {
            notes["co2Kg"] = co2;
        }

        return notes;
    }

    public static string? Cost(EnergyBooks books, bool oneBuilding) => books switch
    {
        { AnyTariff: false } => oneBuilding ? "The building has no tariff." : "The buildings have no tariffs.",
        { Currency: null } => "The buildings' tariffs are in several currencies, which are not added up.",
        { KWhWithoutTariff: > 0 } => $"{books.BuildingsWithoutTariff} of the buildings that used energy have no tariff.",
        { KWhOutsideTariff: > 0 } => string.Create(
            CultureInfo.InvariantCulture, $"{books.KWhOutsideTariff:0.###} kWh are of a carrier or a time that the tariff has no price for."),
        { DemandCost: > 0 } => "With the demand charge of every month of which the period has a part.",
        _ => null,
    };

    public static string? Co2(EnergyBooks books, bool oneBuilding) => books switch
    {
        { IsWeighed: true } => null,
        _ when oneBuilding => "The building has no carbonIntensityKgPerKwh, and its emissionRegion has no factor for all of the energy.",
        _ => $"{books.BuildingsWithoutFactor} of the buildings that used energy have no carbonIntensityKgPerKwh and no factor of their emissionRegion for all of it.",
    };
}
