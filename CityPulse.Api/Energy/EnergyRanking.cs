using CityPulse.Api.Energy.Domain;

namespace CityPulse.Api.Energy;

/// <summary>Puts the buildings of an organisation in order.</summary>
internal sealed class EnergyRanking(EnergyReader reader)
{
    public async Task<EnergyRankingResponse> GetAsync(
        string metric, EnergyPeriod period, string? carrier, bool? annualise, CancellationToken cancellationToken)
    {
        var buildings = await reader.BuildingsAsync(buildingId: null, cancellationToken);
        var sensors = await reader.SensorsAsync(buildings, carrier, cancellationToken);
        var grid = BucketGrid.Whole(period.From, period.To);
        var tallies = buildings.ToDictionary(b => b.Id, _ => new EnergyTally(grid));
        var factors = buildings.ToDictionary(b => b.Id, b => b.KgPerKWh);
        await reader.RunAsync(
            sensors,
            period,
            sensor =>
            {
                var tally = tallies[sensor.BuildingId];
                tally.BeginMeter(factors[sensor.BuildingId]);
                return tally;
            },
            cancellationToken);

        var items = buildings
            .Select(b => Item(b, tallies[b.Id].Total, metric, period, annualise))
            .OrderByDescending(i => i.Coverage > 0 && i.Value is not null)
            .ThenByDescending(i => i.Value)
            .ThenBy(i => i.Name, StringComparer.Ordinal)
            .ThenBy(i => i.BuildingId)
            .Select((item, i) => item.Coverage > 0 && item.Value is not null ? item with { Rank = i + 1 } : item);
        return new EnergyRankingResponse(period.From, period.To, metric, Unit(metric), [.. items]);
    }

    private static EnergyRankingItem Item(EnergyBuilding building, EnergyFigure total, string metric, EnergyPeriod period, bool? annualise)
    {
        var eui = EnergyUseIntensity.Of(total.KWh, building.FloorAreaM2, total.Coverage, period.Length, annualise);
        double? co2Kg = building.KgPerKWh is null && total.KWh > 0 ? null : total.Co2Kg;
        var value = metric switch { "eui" => eui.KWhPerM2Year, "co2" => co2Kg, _ => total.KWh };
        var note = metric switch
        {
            _ when total.Coverage <= 0 => "There is no data in the period.",
            "eui" => eui.Note,
            "co2" when co2Kg is null => "The building has no carbonIntensityKgPerKwh.",
            _ => null,
        };
        return new EnergyRankingItem(
            Rank: null, building.Id, building.Name, building.Use, value, total.KWh, co2Kg, eui.KWhPerM2Year, building.FloorAreaM2,
            total.Coverage, total.Method.Name(), note);
    }

    private static string Unit(string metric) => metric switch { "eui" => "kWh/(m²·a)", "co2" => "kg", _ => "kWh" };
}
