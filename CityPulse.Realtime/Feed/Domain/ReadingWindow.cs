using CityPulse.Contracts;

namespace CityPulse.Realtime.Feed.Domain;

/// <summary>
/// The readings of a stretch of time, thinned out for display: of each sensor the lowest, the highest and the newest. A
/// value that was stored again, for the same time, counts as it was stored last.
/// </summary>
internal sealed class ReadingWindow
{
    private const int Kept = 3;
    private const int ThinAt = 64;

    private readonly Dictionary<Guid, (Guid BuildingId, List<ReadingBatch.Point> Points)> _sensors = [];

    public static bool IsThin(IReadOnlyList<ReadingBatch.Block> blocks) => blocks.All(block => block.Points.Length <= Kept);

    public void Add(IReadOnlyList<ReadingBatch.Block> blocks)
    {
        foreach (var block in blocks)
        {
            if (!_sensors.TryGetValue(block.SensorId, out var sensor))
            {
                _sensors.Add(block.SensorId, sensor = (block.BuildingId, []));
            }

            foreach (var point in block.Points.Span)
            {
                if (sensor.Points.Count == ThinAt)
                {
                    Thin(sensor.Points);
                }

                sensor.Points.Add(point);
            }
        }
    }

    /// <summary>What is left of all that was added, in the order of time within each sensor.</summary>
    public List<ReadingBatch.Block> Thinned()
    {
        var blocks = new List<ReadingBatch.Block>(_sensors.Count);
        foreach (var (sensorId, (buildingId, points)) in _sensors)
        {
            Thin(points);
            blocks.Add(new ReadingBatch.Block(sensorId, buildingId, points.ToArray()));
        }

        return blocks;
    }

    private static void Thin(List<ReadingBatch.Point> points)
    {
        var byTime = new SortedDictionary<long, ReadingBatch.Point>();
        foreach (var point in points)
        {
            byTime[point.AtMicroseconds] = point;
        }

        var kept = new SortedSet<long>
        {
            byTime.Values.MinBy(point => point.Value).AtMicroseconds,
            byTime.Values.MaxBy(point => point.Value).AtMicroseconds,
            byTime.Keys.Last(),
        };
        points.Clear();
        points.AddRange(kept.Select(at => byTime[at]));
    }
}
