using CityPulse.Api.Data;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Readings.Quarantine;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Energy;

/// <summary>Makes a figure and tells how.</summary>
internal sealed class EnergyExplanation(EnergyReport report, CityDb db, IOptions<EnergyOptions> options)
{
    private const int GapIntervals = 3;

    private const string Description =
        "A delta counts in its interval, a counter by the differences of neighbours (rollover, reset, dips and isolated zeros taken for what they "
        + "are), power by its area over time; steps that buckets or rates cut are split pro rata in time. Cost = kWh of a rate x its price + "
        + "peak kW of a month x its charge; CO2 = kWh of a factor x the factor.";

    public async Task<(EnergyExplanationResponse? Answer, ProblemHttpResult? Problem)> GetAsync(
        EnergyQuestion question, CancellationToken cancellationToken)
    {
        var trace = new EnergyTrace();
        var (figure, problem) = await report.GetAsync(question, cancellationToken, trace);
        if (figure is null)
        {
            return (null, problem);
        }

        var (from, to) = (question.Period.From.ToUniversalTime(), question.Period.To.ToUniversalTime());
        var quantities = EnergyUnits.Quantities(question.Carrier);
        Guid[] counted = [.. trace.Meters.Select(m => m.SensorId)];
        var others = await db.Sensors.AsNoTracking()
            .Where(s => quantities.Contains(s.Quantity) && (question.BuildingId == null || s.BuildingId == question.BuildingId))
            .OrderBy(s => s.BuildingId).ThenBy(s => s.Id)
            .Select(s => new { s.Id, s.BuildingId, s.Name, s.Submeter, s.Kind })
            .ToListAsync(cancellationToken);
        var held = await db.Set<QuarantinedReading>().AsNoTracking()
            .Where(r => r.State == QuarantineStates.Held && counted.Contains(r.SensorId))
            .Where(r => r.ObservedAt >= from && r.ObservedAt < to)
            .GroupBy(r => r.SensorId)
            .Select(g => new { g.Key, Count = g.Count() })
            .ToDictionaryAsync(g => g.Key, g => g.Count, cancellationToken);
        return (new EnergyExplanationResponse(
            figure,
            figure.Items.Count,
            [.. trace.Meters.Select(m => m with { HeldReadings = held.GetValueOrDefault(m.SensorId) })],
            [.. others.Where(s => !counted.Contains(s.Id)).Select(s => new LeftOutSensor(
                s.Id, s.BuildingId, s.Name,
                s.Submeter ? "It is a submeter: a main meter has measured the same energy." : $"A {s.Kind} of this quantity measures no energy."))],
            trace.Tariffs,
            trace.Factors,
            new EnergyRules(
                options.Value.GasKWhPerM3, options.Value.PeakBlockMinutes, GapIntervals, MeterSpec.LargestStepKWh, Description)), null);
    }
}
