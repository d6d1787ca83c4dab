using CityPulse.Samples.Domain;
using CityPulse.Samples.Loading;
using CityPulse.Samples.Manifest;

namespace CityPulse.Samples.Replay;

/// <summary>
/// Goes on where the load ended: meters and sensors at their true pace, the fast-replay gauges a step every few seconds.
/// Recorded values under today's time, and marked as that: the sensors carry the tags <c>shifted-…-weeks</c> or <c>replay</c>.
/// </summary>
internal sealed class LiveReplay(CityApi api, SampleData data, TimeProvider time, Action<string> log)
{
    /// <summary>One request every so often, whatever is due: the demo user's request budget is for the user.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);
    private readonly HashSet<string> _refused = [];
    private readonly PriorityQueue<Upcoming, DateTimeOffset> _upcoming = new();

    public async Task RunAsync(IReadOnlyList<CitySensor> city, CancellationToken cancel)
    {
        foreach (var sensor in city)
        {
            if (sensor.Clock is { } clock)
            {
                Enqueue(new Upcoming(sensor.Sample, data.TimelineOf(sensor.Sample, clock).After(sensor.LastStored).GetEnumerator()));
            }
        }

        var fast = city.Where(sensor => sensor.Sample.ReplayStepSeconds is not null).Select(sensor => sensor.Sample).ToArray();
        var shown = fast.ToDictionary(sensor => sensor.ExternalId, sensor => FastReplay.StepAt(time.GetUtcNow(), sensor.ReplayStepSeconds!.Value));
        log($"replay: {_upcoming.Count} sensors go on at their true pace, {fast.Length} fast-replay gauges take a recorded step every few seconds; "
            + "recorded values, not live measurements (off with --no-replay)");

        using var timer = new PeriodicTimer(Tick, time);
        while (await timer.WaitForNextTickAsync(cancel))
        {
            var now = time.GetUtcNow();
            var readings = TakeDue(now).Concat(TakeSteps(fast, shown, now)).Where(reading => !_refused.Contains(reading.Sensor)).ToArray();
            foreach (var batch in readings.Chunk(HistoryLoader.BatchSize))
            {
                Report(await api.IngestAsync(batch, cancel));
            }
        }
    }

    private IEnumerable<SampleReading> TakeDue(DateTimeOffset now)
    {
        while (_upcoming.TryPeek(out var next, out var due) && due <= now)
        {
            _upcoming.Dequeue();
            yield return new SampleReading(next.Sensor.ExternalId, next.Readings.Current.At, next.Readings.Current.Value);
            Enqueue(next);
        }
    }

    private IEnumerable<SampleReading> TakeSteps(IEnumerable<SampleSensor> sensors, Dictionary<string, long> shown, DateTimeOffset now)
    {
        foreach (var sensor in sensors)
        {
            var step = FastReplay.StepAt(now, sensor.ReplayStepSeconds!.Value);
            if (step > shown[sensor.ExternalId])
            {
                shown[sensor.ExternalId] = step;
                var at = DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds());
                yield return new SampleReading(sensor.ExternalId, at, FastReplay.RowAt(data.RowsOf(sensor.Series), step).Value);
            }
        }
    }

    private void Enqueue(Upcoming next)
    {
        if (next.Readings.MoveNext())
        {
            _upcoming.Enqueue(next, next.Readings.Current.At + next.Sensor.KnownAfter);
        }
    }

    /// <summary>Somebody may delete or change a sample sensor while the replay runs; that one falls silent, the others go on.</summary>
    private void Report(IngestResponse answer)
    {
        foreach (var error in answer.Errors ?? [])
        {
            if (error.Sensor is { } sensor && _refused.Add(sensor))
            {
                log($"replay: {sensor} is left out from here on, the API refused it: {error.Detail}");
            }
        }
    }

    private sealed record Upcoming(SampleSensor Sensor, IEnumerator<(DateTimeOffset At, double Value)> Readings);
}
