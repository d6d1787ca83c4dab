namespace CityPulse.Samples.Domain;

/// <summary>
/// Which writer sends what, in which order. A sensor belongs to one writer and its readings go out oldest first, batch after batch:
/// whenever the load breaks off, everything up to a sensor's newest stored reading is stored, so that it can go on from there.
/// </summary>
internal static class LoadPlan
{
    public static IReadOnlyList<IReadOnlyList<SampleReading[]>> Create(
        IEnumerable<IReadOnlyList<SampleReading>> sensors, int writers, int batchSize)
    {
        var lanes = Enumerable.Range(0, writers).Select(_ => new List<SampleReading>()).ToArray();
        foreach (var readings in sensors.OrderByDescending(readings => readings.Count))
        {
            lanes.MinBy(lane => lane.Count)!.AddRange(readings);
        }

        return [.. lanes.Select(lane => lane.Chunk(batchSize).ToArray())];
    }
}
