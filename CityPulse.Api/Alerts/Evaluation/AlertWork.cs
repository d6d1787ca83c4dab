using CityPulse.Api.Data;
using CityPulse.Api.Readings;
using CityPulse.Api.Readings.Ingest;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>
/// Notes, in the transaction that stores readings, of which watched sensor they changed something and from when on: whatever happens after
/// the commit, it will be judged. Batches without a watched sensor pay nothing.
/// </summary>
internal sealed class AlertWork(AlertSignal signal) : IStoredBatchPart
{
    public void AddTo(NpgsqlBatch commit, StoredBatch stored)
    {
        var buildings = new List<Guid>();
        var sensors = new List<Guid>();
        var earliest = new List<DateTime>();
        SensorEntry? last = null;
        foreach (var span in stored.Spans)
        {
            // A sensor's first span is its earliest.
            if (span.Sensor.IsWatched && span.Sensor != last)
            {
                buildings.Add(span.Sensor.BuildingId);
                sensors.Add(span.Sensor.Id);
                earliest.Add(Timestamp.ToDateTime(span.FirstMicroseconds));
            }

            last = span.Sensor;
        }

        if (sensors.Count == 0)
        {
            return;
        }

        commit.BatchCommands.Add(new NpgsqlBatchCommand(
            "INSERT INTO alert_work (organization_id, building_id, sensor_id, earliest) SELECT $1, * FROM unnest($2, $3, $4)")
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = stored.OrganizationId },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. buildings], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid },
                new NpgsqlParameter<Guid[]> { TypedValue = [.. sensors], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid },
                new NpgsqlParameter<DateTime[]> { TypedValue = [.. earliest], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
            },
        });
    }

    public void Committed(StoredBatch stored)
    {
        if (stored.Spans.Any(span => span.Sensor.IsWatched))
        {
            signal.Ring();
        }
    }
}

/// <summary>Wakes the evaluator of this process; the others look by themselves.</summary>
internal sealed class AlertSignal : Bell;
