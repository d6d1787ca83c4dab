using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings.Rollups;

/// <summary>Writes down, in the transaction that stores a batch, which rollups it makes dirty: one small row a sensor.</summary>
internal sealed class DirtySpans(RollupSignal signal) : IStoredBatchPart
{
    public void AddTo(NpgsqlBatch commit, StoredBatch stored)
    {
        var spans = stored.Spans;
        var keys = new int[spans.Count];
        var from = new DateTime[spans.Count];
        var to = new DateTime[spans.Count];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = spans[i].Sensor.Key;
            from[i] = Timestamp.ToDateTime(RollupGrid.HourOf(spans[i].FirstMicroseconds));
            to[i] = Timestamp.ToDateTime(RollupGrid.HourOf(spans[i].LastMicroseconds) + RollupGrid.Hour);
        }

        commit.BatchCommands.Add(Insert(keys, from, to));
    }

    public void Committed(StoredBatch stored) => signal.Ring();

    public static NpgsqlBatchCommand Insert(int[] keys, DateTime[] from, DateTime[] to) => new("INSERT INTO rollup_dirty SELECT * FROM unnest($1, $2, $3)")
    {
        Parameters =
        {
            new NpgsqlParameter<int[]> { TypedValue = keys, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer },
            new NpgsqlParameter<DateTime[]> { TypedValue = from, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
            new NpgsqlParameter<DateTime[]> { TypedValue = to, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
        },
    };
}
