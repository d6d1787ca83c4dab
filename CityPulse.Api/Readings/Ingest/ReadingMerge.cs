using CityPulse.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// Stores readings of which some may be stored already: new ones are inserted, then what differs is updated. Two
/// statements, because the second must see what other transactions committed while the first waited for them.
/// </summary>
internal sealed class ReadingMerge
{
    private readonly SortedReadings _readings;
    private readonly bool[] _isStored;

    private ReadingMerge(SortedReadings readings)
    {
        _readings = readings;
        _isStored = new bool[readings.Count];
    }

    public int Inserted { get; private set; }

    public int Updated { get; private set; }

    public static async Task<ReadingMerge> RunAsync(NpgsqlConnection connection, SortedReadings readings, CancellationToken cancellationToken)
    {
        var merge = new ReadingMerge(readings);
        var columns = merge.Columns();
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Command(
            """
            INSERT INTO readings (sensor_key, observed_at, value, quality)
            SELECT * FROM unnest($1, $2, $3, $4)
            ON CONFLICT DO NOTHING
            RETURNING sensor_key, observed_at
            """,
            columns));
        batch.BatchCommands.Add(Command(
            """
            UPDATE readings r SET value = n.value, quality = n.quality
            FROM unnest($1, $2, $3, $4) AS n (sensor_key, observed_at, value, quality)
            WHERE r.sensor_key = n.sensor_key AND r.observed_at = n.observed_at
              AND r.observed_at BETWEEN $5 AND $6
              AND (r.value <> n.value OR r.quality <> n.quality)
            RETURNING r.sensor_key, r.observed_at
            """,
            columns,
            columns.Times.Min(),
            columns.Times.Max()));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        merge.Inserted = await merge.MarkAsync(reader, cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        merge.Updated = await merge.MarkAsync(reader, cancellationToken);
        return merge;
    }

    /// <summary>One sensor's readings, times rising.</summary>
    internal delegate void Teller(SensorEntry sensor, ReadOnlySpan<ReadingBatch.Point> points);

    /// <summary>Tells what was inserted or updated, and nothing else, sensor by sensor.</summary>
    public void TellStored(Teller tell)
    {
        var stored = new List<ReadingBatch.Point>();
        foreach (var run in _readings.Runs)
        {
            stored.Clear();
            var points = _readings.PointsOf(run);
            for (var i = 0; i < points.Length; i++)
            {
                if (_isStored[run.Start + i])
                {
                    stored.Add(points[i]);
                }
            }

            if (stored.Count > 0)
            {
                tell(run.Sensor, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(stored));
            }
        }
    }

    private readonly record struct ColumnArrays(int[] Keys, DateTime[] Times, double[] Values, short[] Qualities);

    private ColumnArrays Columns()
    {
        var count = _readings.Count;
        var columns = new ColumnArrays(new int[count], new DateTime[count], new double[count], new short[count]);
        foreach (var run in _readings.Runs)
        {
            for (var i = run.Start; i < run.Start + run.Count; i++)
            {
                columns.Keys[i] = run.Sensor.Key;
                columns.Times[i] = Timestamp.ToDateTime(_readings.Points[i].AtMicroseconds);
                columns.Values[i] = _readings.Points[i].Value;
                columns.Qualities[i] = _readings.Qualities[i];
            }
        }

        return columns;
    }

    private static NpgsqlBatchCommand Command(string sql, ColumnArrays columns, params DateTime[] bounds)
    {
        var command = new NpgsqlBatchCommand(sql)
        {
            Parameters =
            {
                new NpgsqlParameter<int[]> { TypedValue = columns.Keys, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer },
                new NpgsqlParameter<DateTime[]> { TypedValue = columns.Times, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                new NpgsqlParameter<double[]> { TypedValue = columns.Values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Double },
                new NpgsqlParameter<short[]> { TypedValue = columns.Qualities, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint },
            },
        };
        foreach (var bound in bounds)
        {
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = bound, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        }

        return command;
    }

    private async Task<int> MarkAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var count = 0;
        for (; await reader.ReadAsync(cancellationToken); count++)
        {
            _isStored[IndexOf(reader.GetInt32(0), Timestamp.FromDateTimeOffset(reader.GetFieldValue<DateTimeOffset>(1)))] = true;
        }

        return count;
    }

    private int IndexOf(int key, long at)
    {
        var runs = _readings.Runs;
        var (low, high) = (0, runs.Count - 1);
        while (runs[(low + high) / 2].Sensor.Key != key)
        {
            var middle = (low + high) / 2;
            (low, high) = runs[middle].Sensor.Key < key ? (middle + 1, high) : (low, middle - 1);
        }

        var run = runs[(low + high) / 2];
        (low, high) = (run.Start, run.Start + run.Count - 1);
        while (_readings.Points[(low + high) / 2].AtMicroseconds != at)
        {
            var middle = (low + high) / 2;
            (low, high) = _readings.Points[middle].AtMicroseconds < at ? (middle + 1, high) : (low, middle - 1);
        }

        return (low + high) / 2;
    }
}
