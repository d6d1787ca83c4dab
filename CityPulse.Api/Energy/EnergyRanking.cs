using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Energy.Terms;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Energy;

/// <summary>Puts the buildings of an organisation in order.</summary>
internal sealed class EnergyRanking(EnergyReader reader, EnergyTerms terms, IOptions<EnergyOptions> options, TimeProvider time)
{
    public static readonly string[] Metrics = ["kwh", "eui", "cost", "co2"];

    private static readonly EnergyFigure Nothing = new(0, 0, 0, EnergyMethods.None);

    public async Task<(EnergyRankingResponse? Answer, ProblemHttpResult? Problem)> GetAsync(
        string metric, EnergyQuestion question, CancellationToken cancellationToken)
    {
        var period = question.Period;
        var buildings = await reader.BuildingsAsync(buildingId: null, cancellationToken);
        var blocks = period.Blocks(options.Value.PeakBlockMinutes, time.GetUtcNow());
        if (await terms.FindAsync(buildings, question, blocks, cancellationToken) is not { } applied)
        {
            return (null, Problems.NotFound("tariff"));
        }

        var sensors = await reader.SensorsAsync(buildings, question.Carrier, cancellationToken);
        var grid = BucketGrid.Whole(period.From, period.To);
        var byId = buildings.ToDictionary(b => b.Id);
        var items = new Dictionary<Guid, EnergyRankingItem>();
        (EnergyBuilding Building, EnergyTally Tally, BuildingAccount Account)? open = null;
        await reader.RunAsync(
            sensors,
            period,
            sensor =>
            {
                if (open?.Building.Id != sensor.BuildingId)
                {
                    Close();
                    var building = byId[sensor.BuildingId];
                    open = (building, new EnergyTally(grid), applied.Open(building, grid));
                }

                var (_, tally, account) = open!.Value;
                tally.BeginMeter(kgPerKWh: null);
                account.BeginMeter(sensor.Carrier);
                return new Fan(tally, account);
            },
            cancellationToken);
        Close();

        var ranked = buildings.Select(b => items.GetValueOrDefault(b.Id) ?? Item(b, Nothing, new EnergyBooks(1), metric, question)).ToList();
        var currency = metric == "cost" ? Comparable(ranked) : null;
        var order = ranked
            .OrderByDescending(i => i.Coverage > 0 && i.Value is not null)
            .ThenByDescending(i => i.Value)
            .ThenBy(i => i.Name, StringComparer.Ordinal)
            .ThenBy(i => i.BuildingId)
            .Select((item, i) => item.Coverage > 0 && item.Value is not null ? item with { Rank = i + 1 } : item);
        return (new EnergyRankingResponse(period.From, period.To, metric, Unit(metric, currency), [.. order]), null);

        void Close()
        {
            if (open is var (building, tally, account))
            {
                var books = new EnergyBooks(1);
                books.Close(building.Id, account);
                items[building.Id] = Item(building, tally.Total, books, metric, question);
            }
        }
    }

    /// <summary>Amounts of several currencies have no order: those of the most frequent one are ranked, the others told and left without a value.</summary>
    private static string? Comparable(List<EnergyRankingItem> items)
    {
        var currency = items.Where(i => i.Value is not null && i.Currency is not null)
            .GroupBy(i => i.Currency).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).FirstOrDefault()?.Key;
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Value is not null && items[i].Currency != currency)
            {
                items[i] = items[i] with { Value = null, Note = $"The cost is in {items[i].Currency}, which is not compared with {currency}." };
            }
        }

        return currency;
    }

    private static EnergyRankingItem Item(
        EnergyBuilding building, EnergyFigure total, EnergyBooks books, string metric, EnergyQuestion question)
    {
        var eui = EnergyUseIntensity.Of(total.KWh, building.FloorAreaM2, total.Coverage, question.Period.Length, question.Annualise);
        double? co2Kg = books.IsWeighed ? books.Co2Kg : null;
        decimal? cost = books.IsPriced ? books.EnergyCost + books.DemandCost : null;
        var value = metric switch { "eui" => eui.KWhPerM2Year, "co2" => co2Kg, "cost" => (double?)cost, _ => total.KWh };
        var note = metric switch
        {
            _ when total.Coverage <= 0 => "There is no data in the period.",
            "eui" => eui.Note,
            "co2" => EnergyNotes.Co2(books, oneBuilding: true),
            "cost" => EnergyNotes.Cost(books, oneBuilding: true),
            _ => null,
        };
        return new EnergyRankingItem(
            Rank: null, building.Id, building.Name, building.Use, value, total.KWh, cost, books.Currency, co2Kg, eui.KWhPerM2Year,
            building.FloorAreaM2, total.Coverage, total.Method.Name(), note);
    }

    private static string Unit(string metric, string? currency) => metric switch
    {
        "eui" => "kWh/(m²·a)",
        "co2" => "kg",
        "cost" => currency ?? "",
        _ => "kWh",
    };
}
