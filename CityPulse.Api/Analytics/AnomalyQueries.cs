using CityPulse.Api.Analytics.Domain;
using CityPulse.Api.Energy;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Analytics;

/// <summary>A reading that was unusual when it came.</summary>
/// <param name="Value">Of a counter: what it counted since the reading before, for one interval.</param>
/// <param name="Expected">What the sensor should have shown, from what was known before.</param>
/// <param name="Score">Modified z-score; 3.5 and more is an outlier.</param>
internal sealed record AnomalyItem(DateTimeOffset At, double Value, double Expected, double Score);

/// <summary>Answers <c>GET /analytics/anomalies</c>: the detector runs over eight weeks before the period, to learn, and then over the period.</summary>
internal static class AnomalyQueries
{
    private const int MaxReadings = 1_000_000;
    private const int MaxItems = 20_000;
    private static readonly TimeSpan Learning = TimeSpan.FromDays(56);
    /// <summary>A sensor of every second learns from two days and more, not from eight weeks.</summary>
    private const int LearningReadings = 200_000;

    public static async Task<Results<Read<IReadOnlyList<AnomalyItem>>, ProblemHttpResult>> GetAsync(
        Guid? sensorId, string? from, string? to, double? sensitivity, SensorSeries series, TimeProvider time, CancellationToken cancellationToken)
    {
        var check = new Validator();
        check.Check(sensorId is not null, "sensorId", "sensorId is required.");
        check.Range("sensitivity", sensitivity, DetectorSettings.LeastSensitivity, DetectorSettings.MostSensitivity);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        var (period, problem) = EnergyPeriod.Parse(from, to, time.GetUtcNow());
        if (problem is not null)
        {
            return problem;
        }

        if (await series.FindAsync(sensorId!.Value, cancellationToken) is not { } sensor)
        {
            return Problems.NotFound("sensor");
        }

        var detector = new AnomalyDetector(new DetectorSettings(
            sensor.Zone, LeastSpreads.Of(sensor.Quantity, sensor.Unit), sensitivity ?? DetectorSettings.DefaultSensitivity));
        var items = new List<AnomalyItem>();
        var read = 0;
        await foreach (var point in series.ReadAsync(sensor, Before(period.From, sensor), period.To, cancellationToken))
        {
            if (++read > MaxReadings || items.Count > MaxItems)
            {
                return Problems.Validation("from", items.Count > MaxItems
                    ? $"The period has more than {MaxItems} anomalies; shorten it or lower the sensitivity."
                    : $"The period has more than {MaxReadings} readings; shorten it.");
            }

            var verdict = detector.Observe(point.Time, point.Value);
            if (verdict is { IsAnomaly: true, Expected: { } expected } && point.Time >= period.From)
            {
                items.Add(new AnomalyItem(point.Time, point.Value, expected, verdict.Score));
            }
        }

        return Answers.Read<IReadOnlyList<AnomalyItem>>(items);
    }

    private static DateTimeOffset Before(DateTimeOffset from, SeriesSensor sensor)
    {
        var learning = TimeSpan.FromSeconds(Math.Min(Learning.TotalSeconds, (double)LearningReadings * Math.Max(1, sensor.IntervalSeconds)));
        return from - learning;
    }
}
