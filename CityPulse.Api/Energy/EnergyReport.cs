using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Energy.Terms;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Energy;

/// <summary>Answers for one building or the portfolio.</summary>
internal sealed class EnergyReport(EnergyReader reader, EnergyTerms terms, IOptions<EnergyOptions> options, TimeProvider time)
{
    public async Task<(EnergyResponse? Answer, ProblemHttpResult? Problem)> GetAsync(
        EnergyQuestion question, CancellationToken cancellationToken, EnergyTrace? trace = null)
    {
        var period = question.Period;
        var buildings = await reader.BuildingsAsync(question.BuildingId, cancellationToken);
        if (question.BuildingId is not null && buildings.Count == 0)
        {
            return (null, Problems.NotFound("building"));
        }

        var zone = CommonZone(buildings);
        if (BucketGrid.Create(period.From, period.To, question.Resolution, zone) is not { } grid)
        {
            return (null, Problems.Validation("from", $"The period has more than {BucketGrid.MaxBuckets} buckets; shorten it or take a coarser resolution."));
        }

        var blocks = period.Blocks(options.Value.PeakBlockMinutes, time.GetUtcNow());
        if (await terms.FindAsync(buildings, question, blocks, cancellationToken) is not { } applied)
        {
            return (null, Problems.NotFound("tariff"));
        }

        var sensors = await reader.SensorsAsync(buildings, question.Carrier, cancellationToken);
        var tally = new EnergyTally(grid, blocks);
        var books = new EnergyBooks(grid.Count);
        var byId = buildings.ToDictionary(b => b.Id);
        var metered = new List<EnergyBuilding>();
        BuildingAccount? account = null;
        await reader.RunAsync(
            sensors,
            period,
            sensor =>
            {
                if (metered.Count == 0 || metered[^1].Id != sensor.BuildingId)
                {
                    Close();
                    metered.Add(byId[sensor.BuildingId]);
                    account = applied.Open(metered[^1], grid);
                }

                tally.BeginMeter(metered[^1].KgPerKWh);
                account!.BeginMeter(sensor.Carrier);
                return trace is null ? new Fan(tally, account) : new Fan(tally, account, trace.Begin(period));
            },
            cancellationToken,
            trace is null ? null : trace.End);
        Close();
        foreach (var building in metered.Count == 0 ? buildings : [])
        {
            books.Close(building.Id, applied.Open(building, grid)); // Nothing was used, and that has a price too.
        }

        var totals = Totals(tally, books, period, metered, buildings.Count, question);
        var items = Enumerable.Range(0, grid.Count).Where(i => !tally.IsEmpty(i)).Select(i =>
        {
            var figure = tally[i];
            return new EnergyItem(
                grid.StartOf(i), figure.KWh, books.CostOf(i), books.Co2Of(i, figure.Co2Kg), figure.Coverage, figure.Method.Name());
        });
        return (new EnergyResponse(
            period.From, period.To, question.Resolution.Name(), zone.Id, question.BuildingId, question.Carrier, totals, [.. items]), null);

        void Close()
        {
            if (account is not null)
            {
                books.Close(metered[^1].Id, account);
                trace?.Close(metered[^1].Id, account);
                account = null;
            }
        }
    }

    private static EnergyTotals Totals(
        EnergyTally tally, EnergyBooks books, EnergyPeriod period, List<EnergyBuilding> metered, int buildings, EnergyQuestion question)
    {
        var notes = EnergyNotes.OfTerms(books, question.BuildingId is not null);
        var total = tally.Total;
        var peak = tally.Peak;
        var eui = EnergyUseIntensity.Of(total.KWh, metered.Sum(b => b.FloorAreaM2), total.Coverage, period.Length, question.Annualise);
        if (eui.Note is not null || metered.Count < buildings)
        {
            var area = metered.Count < buildings ? $"Over the floor area of the {metered.Count} of {buildings} buildings that have a meter." : null;
            notes["euiKwhPerM2Year"] = string.Join(' ', new[] { eui.Note, area }.Where(n => n is not null));
        }

        if (peak is null)
        {
            notes["peakKw"] = "There is no consumption in the period.";
        }

        if (tally.Quarantined > 0)
        {
            notes["quarantined"] = "Steps that cannot be true (negative, or more than the rated power delivers) are left out of every figure.";
        }

        return new EnergyTotals(
            total.KWh,
            books.IsPriced ? books.EnergyCost + books.DemandCost : null,
            books.IsPriced ? books.EnergyCost : null,
            books.IsPriced ? books.DemandCost : null,
            books.Currency,
            books.IsWeighed ? books.Co2Kg : null,
            peak?.Kw, peak?.At,
            peak is { } p ? total.KWh / (p.Kw * period.Length.TotalHours) : null,
            eui.KWhPerM2Year, total.Coverage, total.Method.Name(), tally.Meters, tally.Quarantined, books.Co2Factors, notes);
    }

    private static TimeZoneInfo CommonZone(List<EnergyBuilding> buildings)
    {
        var zones = buildings.Select(b => b.TimeZone).Distinct().Take(2).ToList();
        return zones.Count == 1 ? TimeZoneInfo.FindSystemTimeZoneById(zones[0]) : TimeZoneInfo.Utc;
    }
}

/// <summary>Gives the steps of one meter to all who count them.</summary>
internal sealed class Fan(params IEnergySink[] sinks) : IEnergySink
{
    public void Add(in EnergySegment segment)
    {
        foreach (var sink in sinks)
        {
            sink.Add(segment);
        }
    }

    public void Quarantine(long from, long to)
    {
        foreach (var sink in sinks)
        {
            sink.Quarantine(from, to);
        }
    }
}
