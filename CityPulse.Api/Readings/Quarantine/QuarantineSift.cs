using System.Globalization;
using CityPulse.Api.Data;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings.Quarantine;

/// <summary>
/// Takes implausible rows out of a batch and keeps them for a person to decide. Costs nothing where no sensor of the batch has a
/// rated power, and one look at registers' stored readings where one has. What is stored already as it is passes: it was believed
/// once, or released.
/// </summary>
internal sealed class QuarantineSift(CityDb db, TenantDatabase database, TimeProvider time)
{
    /// <returns>Whether rows were taken out: the batch must be sorted again then.</returns>
    public async Task<bool> SiftAsync(IngestBatch batch, OrganizationSensors sensors, SortedReadings readings, CancellationToken cancellationToken)
    {
        var runs = readings.Runs.Where(r => r.Sensor.Plausible is not null).ToList();
        if (runs.Count == 0)
        {
            return false;
        }

        var before = await BeforeAsync(readings, runs, cancellationToken);
        var doubtful = Doubtful(readings, runs, before, []);
        if (doubtful.Count == 0)
        {
            return false;
        }

        if (await HeldAsync(doubtful, before, cancellationToken) is { Count: > 0 } held)
        {
            doubtful = Doubtful(readings, runs, before, held);
        }

        await RemoveStoredAsync(doubtful, cancellationToken);
        if (doubtful.Count == 0)
        {
            return false;
        }

        await HoldAsync(doubtful, cancellationToken);
        Mark(batch, sensors, doubtful);
        return true;
    }

    private sealed record Held(SensorEntry Sensor, ReadingBatch.Point Point, byte Quality, string Detail);

    private static List<Held> Doubtful(
        SortedReadings readings, List<SortedReadings.Run> runs,
        Dictionary<int, (long At, double Value)> before, Dictionary<int, (long At, double Value)> held)
    {
        var doubtful = new List<Held>();
        foreach (var run in runs)
        {
            var first = readings.Points[run.Start].AtMicroseconds;
            var judge = new PlausibleRun(
                run.Sensor.Plausible!,
                before.TryGetValue(run.Sensor.Key, out var stored) ? stored : null,
                held.TryGetValue(run.Sensor.Key, out var waiting) && waiting.At < first ? waiting : null);
            for (var i = run.Start; i < run.Start + run.Count; i++)
            {
                var point = readings.Points[i];
                if (!judge.Believe(point.AtMicroseconds, point.Value))
                {
                    doubtful.Add(new Held(run.Sensor, point, readings.Qualities[i], string.Create(
                        CultureInfo.InvariantCulture,
                        $"{point.Value:R} is beyond what the sensor's rated power can give: at most {judge.LastLimit:G6} is believed.")));
                }
            }
        }

        return doubtful;
    }

    /// <summary>The stored reading before the batch's first, of each register.</summary>
    private async Task<Dictionary<int, (long At, double Value)>> BeforeAsync(
        SortedReadings readings, List<SortedReadings.Run> runs, CancellationToken cancellationToken)
    {
        var before = new Dictionary<int, (long, double)>();
        var registers = runs.Where(r => r.Sensor.Plausible!.Kind == StepKind.Register).ToArray();
        if (registers.Length == 0)
        {
            return before;
        }

        await using var command = database.Requests.CreateCommand("""
            SELECT b.sensor_key, r.observed_at, r.value FROM unnest($1, $2) AS b (sensor_key, first)
            CROSS JOIN LATERAL (
                SELECT observed_at, value FROM readings WHERE sensor_key = b.sensor_key AND observed_at < b.first
                ORDER BY observed_at DESC LIMIT 1) r
            """);
        command.Parameters.Add(Column(NpgsqlDbType.Integer, registers, r => r.Sensor.Key));
        command.Parameters.Add(Column(NpgsqlDbType.TimestampTz, registers, r => Timestamp.ToDateTime(readings.PointsOf(r)[0].AtMicroseconds)));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            before[reader.GetInt32(0)] = (Timestamp.FromDateTime(reader.GetDateTime(1)), reader.GetDouble(2));
        }

        return before;
    }

    /// <summary>The last reading of each doubtful register that waits for a decision, where none was believed since.</summary>
    private async Task<Dictionary<int, (long At, double Value)>> HeldAsync(
        List<Held> doubtful, Dictionary<int, (long At, double Value)> before, CancellationToken cancellationToken)
    {
        var sensors = doubtful.Select(h => h.Sensor).Where(s => s.Plausible!.Kind == StepKind.Register).Distinct().ToDictionary(s => s.Id, s => s.Key);
        var ids = sensors.Keys.ToArray();
        var last = await db.Set<QuarantinedReading>().AsNoTracking()
            .Where(q => ids.Contains(q.SensorId) && q.State == QuarantineStates.Held)
            .GroupBy(q => q.SensorId).Select(g => g.OrderByDescending(q => q.ObservedAt).First())
            .ToListAsync(cancellationToken);
        return last
            .Select(q => (Key: sensors[q.SensorId], At: Timestamp.FromDateTimeOffset(q.ObservedAt), q.Value))
            .Where(q => !before.TryGetValue(q.Key, out var good) || good.At < q.At)
            .ToDictionary(q => q.Key, q => (q.At, q.Value));
    }

    private async Task RemoveStoredAsync(List<Held> doubtful, CancellationToken cancellationToken)
    {
        await using var command = database.Requests.CreateCommand("""
            SELECT r.sensor_key, r.observed_at FROM unnest($1, $2, $3) AS n (sensor_key, observed_at, value)
            JOIN readings r ON r.sensor_key = n.sensor_key AND r.observed_at = n.observed_at AND r.value = n.value
            """);
        command.Parameters.Add(Column(NpgsqlDbType.Integer, doubtful, h => h.Sensor.Key));
        command.Parameters.Add(Column(NpgsqlDbType.TimestampTz, doubtful, h => Timestamp.ToDateTime(h.Point.AtMicroseconds)));
        command.Parameters.Add(Column(NpgsqlDbType.Double, doubtful, h => h.Point.Value));
        var stored = new HashSet<(int, long)>();
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                stored.Add((reader.GetInt32(0), Timestamp.FromDateTime(reader.GetDateTime(1))));
            }
        }

        doubtful.RemoveAll(h => stored.Contains((h.Sensor.Key, h.Point.AtMicroseconds)));
    }

    /// <summary>Sent again it is the same row; with another value it waits for a new decision.</summary>
    private async Task HoldAsync(List<Held> doubtful, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        NpgsqlParameter[] parameters =
        [
            new NpgsqlParameter<Guid> { TypedValue = db.OrganizationId },
            Column(NpgsqlDbType.Uuid, doubtful, _ => Guid.CreateVersion7(now)),
            Column(NpgsqlDbType.Uuid, doubtful, h => h.Sensor.Id),
            Column(NpgsqlDbType.TimestampTz, doubtful, h => Timestamp.ToDateTime(h.Point.AtMicroseconds)),
            Column(NpgsqlDbType.Double, doubtful, h => h.Point.Value),
            Column(NpgsqlDbType.Smallint, doubtful, h => (short)h.Quality),
            Column(NpgsqlDbType.Text, doubtful, h => h.Detail),
            new NpgsqlParameter<DateTimeOffset> { TypedValue = now, NpgsqlDbType = NpgsqlDbType.TimestampTz },
        ];
        await db.Database.ExecuteSqlRawAsync(
            """
            INSERT INTO quarantined_readings AS q
                (id, organization_id, sensor_id, observed_at, value, quality, detail, state, created_at, updated_at, version)
            SELECT n.id, {0}, n.sensor_id, n.observed_at, n.value, n.quality, n.detail, 'held', {7}, {7}, 1
            FROM unnest({1}, {2}, {3}, {4}, {5}, {6}) AS n (id, sensor_id, observed_at, value, quality, detail)
            JOIN sensors s ON s.id = n.sensor_id
            ORDER BY n.sensor_id, n.observed_at
            ON CONFLICT (sensor_id, observed_at) DO UPDATE SET
                value = excluded.value, quality = excluded.quality, detail = excluded.detail, state = 'held',
                decided_at = NULL, decided_by = NULL, updated_at = excluded.updated_at, version = q.version + 1
            WHERE q.value <> excluded.value OR q.state = 'released'
            """,
            parameters, cancellationToken);
    }

    private static void Mark(IngestBatch batch, OrganizationSensors sensors, List<Held> doubtful)
    {
        var held = doubtful.ToDictionary(h => (h.Sensor.Key, h.Point.AtMicroseconds), h => h.Detail);
        var names = new Dictionary<int, int>();
        for (var i = 0; i < batch.Count; i++)
        {
            ref var row = ref batch.Rows[i];
            if (row.Fault == RowFault.None)
            {
                if (!names.TryGetValue(row.Name, out var key))
                {
                    names[row.Name] = key = sensors.Find(batch.Names.ToText(row.Name))?.Key ?? 0;
                }

                if (held.TryGetValue((key, row.AtMicroseconds), out var detail))
                {
                    batch.SetFault(i, RowFault.Quarantined, $"{detail} It is held for a decision.");
                }
            }
        }
    }

    private static NpgsqlParameter<T[]> Column<TRow, T>(NpgsqlDbType type, IReadOnlyList<TRow> rows, Func<TRow, T> member) =>
        new() { TypedValue = [.. rows.Select(member)], NpgsqlDbType = NpgsqlDbType.Array | type };
}
