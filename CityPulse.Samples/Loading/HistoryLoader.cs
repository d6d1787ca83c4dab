using CityPulse.Samples.Domain;
using CityPulse.Samples.Manifest;

namespace CityPulse.Samples.Loading;

/// <summary>Loads what is missing between each sensor's newest stored reading and now.</summary>
internal sealed class HistoryLoader(CityApi api, SampleData data, TimeProvider time, int batchSize = HistoryLoader.BatchSize)
{
    private const int Writers = 2;
    public const int BatchSize = 20_000;

    /// <returns>Readings sent, and for each sensor the time of its newest one now.</returns>
    public async Task<(int Loaded, IReadOnlyList<CitySensor> City)> LoadAsync(
        IReadOnlyList<CitySensor> city, Func<int, ProgressReport> startProgress, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var due = city.ToDictionary(sensor => sensor, sensor => DueReadings(sensor, now));
        var total = due.Values.Sum(readings => readings.Count);
        if (total > 0)
        {
            var progress = startProgress(total);
            var plan = LoadPlan.Create(due.Values.Where(readings => readings.Count > 0), Writers, batchSize);
            // The first writer to fail stops the other: half a minute of work for a load that cannot be completed helps nobody.
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            await Task.WhenAll(plan.Select(batches => WriteAsync(batches, progress, stop)));
        }

        return (total, [.. city.Select(sensor => due[sensor] is [.., var last] ? sensor with { LastStored = last.At } : sensor)]);
    }

    private IReadOnlyList<SampleReading> DueReadings(CitySensor sensor, DateTimeOffset now)
    {
        if (sensor.Clock is not { } clock)
        {
            return [];
        }

        return
        [
            .. data.TimelineOf(sensor.Sample, clock)
                .After(sensor.LastStored)
                .TakeWhile(reading => reading.At + sensor.Sample.KnownAfter <= now)
                .Select(reading => new SampleReading(sensor.Sample.ExternalId, reading.At, reading.Value)),
        ];
    }

    private async Task WriteAsync(IReadOnlyList<SampleReading[]> batches, ProgressReport progress, CancellationTokenSource stop)
    {
        try
        {
            foreach (var batch in batches)
            {
                var answer = await api.IngestAsync(batch, stop.Token);
                if (answer.Rejected > 0)
                {
                    var first = answer.Errors is [var error, ..] ? error : null;
                    throw new SampleException($"The API refused {answer.Rejected} of {batch.Length} readings, the first of {first?.Sensor}: {first?.Detail}");
                }

                progress.Add(batch.Length);
            }
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }
}
