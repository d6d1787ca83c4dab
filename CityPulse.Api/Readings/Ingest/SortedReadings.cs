using System.Buffers;
using CityPulse.Contracts;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// A batch's good rows in the order of the table's key, each (sensor, at) once: the last row of the batch stands.
/// An earlier row of the same identity counts as a duplicate when its successor says the same, else as updated by it.
/// </summary>
internal sealed class SortedReadings : IDisposable
{
    private readonly ReadingBatch.Point[] _points;
    private readonly byte[] _qualities;

    private SortedReadings(int capacity)
    {
        _points = ArrayPool<ReadingBatch.Point>.Shared.Rent(capacity);
        _qualities = ArrayPool<byte>.Shared.Rent(capacity);
    }

    /// <summary>One sensor's readings: <see cref="Count"/> points from <see cref="Start"/> on, times rising.</summary>
    internal readonly record struct Run(SensorEntry Sensor, int Start, int Count);

    public List<Run> Runs { get; } = [];

    public int Count { get; private set; }

    /// <summary>Earlier rows of an identity that the next row of the batch repeated.</summary>
    public int Repeated { get; private set; }

    /// <summary>Earlier rows of an identity that the next row of the batch changed.</summary>
    public int Superseded { get; private set; }

    public ReadOnlySpan<ReadingBatch.Point> Points => _points.AsSpan(0, Count);

    public ReadOnlySpan<byte> Qualities => _qualities.AsSpan(0, Count);

    public ReadOnlySpan<ReadingBatch.Point> PointsOf(Run run) => _points.AsSpan(run.Start, run.Count);

    /// <summary>Looks the names up, marks rows of unknown sensors and out of range as bad, and sorts the good ones.</summary>
    public static SortedReadings From(IngestBatch batch, OrganizationSensors sensors)
    {
        var names = batch.Names;
        var entries = new SensorEntry?[names.Count];
        for (var name = 0; name < entries.Length; name++)
        {
            // A sensor beyond the sender's buildings is told like one that does not exist.
            entries[name] = sensors.Find(names.ToText(name)) is { } sensor && batch.Buildings?.Contains(sensor.BuildingId) != false ? sensor : null;
        }

        var distinct = entries.OfType<SensorEntry>().Distinct().OrderBy(s => s.Key).ToArray();
        var ordinals = distinct.Index().ToDictionary(s => s.Item, s => s.Index);
        var ordinalOfName = Array.ConvertAll(entries, e => e is null ? -1 : ordinals[e]);

        var starts = new int[distinct.Length + 1];
        Judge(batch, entries, ordinalOfName, starts);
        for (var i = 1; i < starts.Length; i++)
        {
            starts[i] += starts[i - 1];
        }

        var sorted = new SortedReadings(starts[^1]);
        sorted.Scatter(batch, entries, ordinalOfName, starts.AsSpan(0, distinct.Length).ToArray());
        for (var i = 0; i < distinct.Length; i++)
        {
            sorted.AddRun(distinct[i], starts[i], starts[i + 1]);
        }

        return sorted;
    }

    public void Dispose()
    {
        ArrayPool<ReadingBatch.Point>.Shared.Return(_points);
        ArrayPool<byte>.Shared.Return(_qualities);
    }

    private static void Judge(IngestBatch batch, SensorEntry?[] entries, int[] ordinalOfName, int[] counts)
    {
        foreach (ref var row in batch.Rows)
        {
            // A verdict of an earlier look at the sensors may be out of date by now.
            if (row.Fault is RowFault.UnknownSensor or RowFault.OutOfRange || (row.Fault == RowFault.InvalidUnit && row.Unit != 0))
            {
                row.Fault = RowFault.None;
            }

            if (row.Fault != RowFault.None)
            {
                continue;
            }

            if (entries[row.Name] is not { } sensor)
            {
                row.Fault = RowFault.UnknownSensor;
            }
            else if (!TryValue(batch, row, sensor, out var value))
            {
                row.Fault = RowFault.InvalidUnit;
            }
            else if (value < sensor.MinValue || value > sensor.MaxValue)
            {
                row.Fault = RowFault.OutOfRange;
            }
            else
            {
                counts[ordinalOfName[row.Name] + 1]++;
            }
        }
    }

    /// <summary>The row's value in the sensor's unit.</summary>
    private static bool TryValue(IngestBatch batch, in IngestRow row, SensorEntry sensor, out double value)
    {
        value = row.Value;
        return row.Unit == 0 || sensor.TryConvert(batch.Units[row.Unit], ref value);
    }

    /// <summary>Counting sort by sensor; it keeps the rows' order, which mostly is the order of time already.</summary>
    private void Scatter(IngestBatch batch, SensorEntry?[] entries, int[] ordinalOfName, int[] next)
    {
        foreach (ref readonly var row in batch.Rows)
        {
            if (row.Fault == RowFault.None)
            {
                var place = next[ordinalOfName[row.Name]]++;
                _ = TryValue(batch, row, entries[row.Name]!, out var value);
                _points[place] = new ReadingBatch.Point(row.AtMicroseconds, value);
                _qualities[place] = (byte)row.Quality;
            }
        }
    }

    /// <summary>Puts one sensor's rows in order and moves them up behind what is there already.</summary>
    private void AddRun(SensorEntry sensor, int start, int end)
    {
        if (start == end)
        {
            return;
        }

        SortByTime(start, end);
        var to = Count;
        for (var from = start; from < end; from++)
        {
            if (from + 1 < end && _points[from + 1].AtMicroseconds == _points[from].AtMicroseconds)
            {
                var isSame = _points[from + 1].Value == _points[from].Value && _qualities[from + 1] == _qualities[from];
                Repeated += isSame ? 1 : 0;
                Superseded += isSame ? 0 : 1;
                continue;
            }

            _points[to] = _points[from];
            _qualities[to] = _qualities[from];
            to++;
        }

        Runs.Add(new Run(sensor, Count, to - Count));
        Count = to;
    }

    private void SortByTime(int start, int end)
    {
        var points = _points.AsSpan(start, end - start);
        var isSorted = true;
        for (var i = 1; i < points.Length && isSorted; i++)
        {
            isSorted = points[i - 1].AtMicroseconds <= points[i].AtMicroseconds;
        }

        if (isSorted)
        {
            return;
        }

        // The place is the tie-break, so that the last row of an identity stays the last.
        var keys = ArrayPool<(long At, int Place)>.Shared.Rent(points.Length);
        var oldPoints = ArrayPool<ReadingBatch.Point>.Shared.Rent(points.Length);
        var oldQualities = ArrayPool<byte>.Shared.Rent(points.Length);
        points.CopyTo(oldPoints);
        _qualities.AsSpan(start, points.Length).CopyTo(oldQualities);
        for (var i = 0; i < points.Length; i++)
        {
            keys[i] = (points[i].AtMicroseconds, i);
        }

        keys.AsSpan(0, points.Length).Sort();
        for (var i = 0; i < points.Length; i++)
        {
            points[i] = oldPoints[keys[i].Place];
            _qualities[start + i] = oldQualities[keys[i].Place];
        }

        ArrayPool<(long At, int Place)>.Shared.Return(keys);
        ArrayPool<ReadingBatch.Point>.Shared.Return(oldPoints);
        ArrayPool<byte>.Shared.Return(oldQualities);
    }
}
