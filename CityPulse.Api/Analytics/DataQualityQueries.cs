using CityPulse.Api.Analytics.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Analytics;

/// <summary>The readings of every sensor looked over. What lies ahead of now is not expected yet.</summary>
internal sealed record DataQualityResponse(Guid? BuildingId, DateTimeOffset From, DateTimeOffset To, IReadOnlyList<SensorQualityItem> Items);

/// <param name="Expected">Readings that the sensor's interval asks for.</param>
/// <param name="Received">Readings that are there.</param>
/// <param name="Completeness">0..1; more readings than asked for do not make up for a gap.</param>
/// <param name="Gaps">The first 100 stretches without the readings that should have come.</param>
/// <param name="StuckValues">Stretches of twelve and more readings over three hours and more of one and the same value.</param>
/// <param name="Spikes">The first 100 single readings far from the two before and the two behind them.</param>
/// <param name="Clock">What the times of the readings tell of the device's clock; null where they follow no interval.</param>
internal sealed record SensorQualityItem(
    Guid SensorId, string Name, string Quantity, string Unit, int IntervalSeconds, long Expected, int Received, double Completeness,
    int GapCount, long LongestGapSeconds, IReadOnlyList<QualityGap> Gaps, IReadOnlyList<StuckValue> StuckValues,
    int SpikeCount, IReadOnlyList<Spike> Spikes, ClockSkew? Clock);

internal static class DataQualityQueries
{
    /// <summary>Readings that one answer may look at.</summary>
    private const long MaxReadings = 2_000_000;

    /// <summary>Quantities whose sensors never rest at 0.</summary>
    private static readonly string[] NeverZero = ["temperature", "humidity", "pressure", "co2", "voltage", "frequency"];

    public static async Task<Results<Read<DataQualityResponse>, ProblemHttpResult>> GetAsync(
        Guid? buildingId, string? from, string? to, CityDb db, SensorSeries series, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var (period, problem) = EnergyPeriod.Parse(from, to, now);
        if (problem is not null)
        {
            return problem;
        }

        if (buildingId is not null && !await db.Buildings.AnyAsync(b => b.Id == buildingId, cancellationToken))
        {
            return Problems.NotFound("building");
        }

        var sensors = await series.FindAllAsync(db.Sensors.Where(s => buildingId == null || s.BuildingId == buildingId), cancellationToken);
        var end = period.To < now ? period.To : now;
        var left = MaxReadings;
        if (sensors.Sum(s => Math.Max(0, (end - period.From).TotalSeconds) / Interval(s)) > left)
        {
            return TooMuch();
        }

        var items = new List<SensorQualityItem>(sensors.Count);
        foreach (var sensor in sensors)
        {
            var scan = new QualityScan(
                Interval(sensor) * TimeSpan.TicksPerSecond, period.From.UtcTicks, Math.Max(end.UtcTicks, period.From.UtcTicks),
                !NeverZero.Contains(sensor.Quantity), LeastSpreads.Of(sensor.Quantity, sensor.Unit));
            await foreach (var point in series.ReadAsync(sensor, period.From, period.To, cancellationToken, keepAll: true))
            {
                scan.Add(point.Time.UtcTicks, point.Value);
                if (--left < 0)
                {
                    return TooMuch();
                }
            }

            var q = scan.End();
            items.Add(new SensorQualityItem(
                sensor.Id, sensor.Name, sensor.Quantity, sensor.Unit, sensor.IntervalSeconds, q.Expected, q.Received, q.Completeness,
                q.GapCount, q.LongestGapSeconds, q.Gaps, q.Stuck, q.SpikeCount, q.Spikes, q.Clock));
        }

        return Answers.Read(new DataQualityResponse(buildingId, period.From, period.To, items));

        static ProblemHttpResult TooMuch() =>
            Problems.Validation("from", $"The period has more than {MaxReadings} readings; shorten it, or ask for one building.");
    }

    private static long Interval(SeriesSensor sensor) => Math.Max(1, sensor.IntervalSeconds);
}
