using CityPulse.Api.Energy.Domain;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Energy;

/// <summary>Answers for one building or the portfolio.</summary>
internal sealed class EnergyReport(EnergyReader reader, TimeProvider time)
{
    /// <summary>No reading is older (ingest refuses it), so no peak is either.</summary>
    private static readonly DateTimeOffset FirstReading = new(1999, 12, 31, 0, 0, 0, TimeSpan.Zero);

    public async Task<(EnergyResponse? Answer, ProblemHttpResult? Problem)> GetAsync(
        Guid? buildingId, EnergyPeriod period, EnergyResolution resolution, string? carrier, bool? annualise, CancellationToken cancellationToken)
    {
        var buildings = await reader.BuildingsAsync(buildingId, cancellationToken);
        if (buildingId is not null && buildings.Count == 0)
        {
            return (null, Problems.NotFound("building"));
        }

        var zone = CommonZone(buildings);
        if (BucketGrid.Create(period.From, period.To, resolution, zone) is not { } grid)
        {
            return (null, Problems.Validation("from", $"The period has more than {BucketGrid.MaxBuckets} buckets; shorten it or take a coarser resolution."));
        }

        var sensors = await reader.SensorsAsync(buildings, carrier, cancellationToken);
        var tally = new EnergyTally(grid, QuarterHours(period));
        var byId = buildings.ToDictionary(b => b.Id);
        var used = new Dictionary<Guid, double>();
        var last = (Building: Guid.Empty, KWh: 0.0);
        await reader.RunAsync(
            sensors,
            period,
            sensor =>
            {
                Settle();
                last = (sensor.BuildingId, tally.TotalKWh);
                tally.BeginMeter(byId[sensor.BuildingId].KgPerKWh);
                return tally;
            },
            cancellationToken);
        Settle();

        var metered = buildings.Where(b => used.ContainsKey(b.Id)).ToList();
        var unknownCo2 = metered.Count(b => b.KgPerKWh is null && used[b.Id] > 0);
        var totals = Totals(tally, period, metered, buildings.Count, unknownCo2, annualise);
        var items = Enumerable.Range(0, grid.Count).Where(i => !tally.IsEmpty(i)).Select(i =>
        {
            var figure = tally[i];
            return new EnergyItem(
                grid.StartOf(i), figure.KWh, Cost: null, unknownCo2 == 0 ? figure.Co2Kg : null, figure.Coverage, figure.Method.Name());
        });
        return (new EnergyResponse(period.From, period.To, Name(resolution), zone.Id, buildingId, carrier, totals, [.. items]), null);

        void Settle()
        {
            if (last.Building != Guid.Empty)
            {
                used[last.Building] = used.GetValueOrDefault(last.Building) + (tally.TotalKWh - last.KWh);
            }
        }
    }

    private static EnergyTotals Totals(
        EnergyTally tally, EnergyPeriod period, List<EnergyBuilding> metered, int buildings, int unknownCo2, bool? annualise)
    {
        var notes = new Dictionary<string, string> { ["cost"] = "There are no tariffs in this version." };
        var total = tally.Total;
        var peak = tally.Peak;
        var eui = EnergyUseIntensity.Of(total.KWh, metered.Sum(b => b.FloorAreaM2), total.Coverage, period.Length, annualise);
        if (eui.Note is not null || metered.Count < buildings)
        {
            var area = metered.Count < buildings ? $"Over the floor area of the {metered.Count} of {buildings} buildings that have a meter." : null;
            notes["euiKwhPerM2Year"] = string.Join(' ', new[] { eui.Note, area }.Where(n => n is not null));
        }

        if (unknownCo2 > 0)
        {
            notes["co2Kg"] = unknownCo2 == 1 && buildings == 1
                ? "The building has no carbonIntensityKgPerKwh."
                : $"{unknownCo2} of the buildings that used energy have no carbonIntensityKgPerKwh.";
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
            total.KWh, Cost: null, Currency: null, unknownCo2 == 0 ? total.Co2Kg : null, peak?.Kw, peak?.At,
            peak is { } p ? total.KWh / (p.Kw * period.Length.TotalHours) : null,
            eui.KWhPerM2Year, total.Coverage, total.Method.Name(), tally.Meters, tally.Quarantined, notes);
    }

    private BucketGrid? QuarterHours(EnergyPeriod period)
    {
        var from = period.From > FirstReading ? period.From : FirstReading;
        var end = time.GetUtcNow().AddDays(32); // Delta intervals of a month may reach this far past the last reading.
        var to = period.To < end ? period.To : end;
        return from < to ? BucketGrid.Create(from, to, EnergyResolution.QuarterHour, TimeZoneInfo.Utc, int.MaxValue) : null;
    }

    private static TimeZoneInfo CommonZone(List<EnergyBuilding> buildings)
    {
        var zones = buildings.Select(b => b.TimeZone).Distinct().Take(2).ToList();
        return zones.Count == 1 ? TimeZoneInfo.FindSystemTimeZoneById(zones[0]) : TimeZoneInfo.Utc;
    }

    private static string Name(EnergyResolution resolution) => resolution switch
    {
        EnergyResolution.QuarterHour => "15m",
        EnergyResolution.Hour => "1h",
        EnergyResolution.Day => "1d",
        EnergyResolution.Month => "1mo",
        _ => throw new ArgumentOutOfRangeException(nameof(resolution)),
    };
}
