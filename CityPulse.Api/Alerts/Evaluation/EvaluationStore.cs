using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Readings.Ingest;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>Something that has to be judged.</summary>
/// <param name="SensorId">Null: only the time has passed.</param>
/// <param name="RuleId">With a revision: the rule begins to judge the sensor, at its newest reading. Without: it is judged again from there.</param>
/// <param name="Earliest">Microseconds; <see cref="Signal.Never"/> where no reading has changed.</param>
internal sealed record WorkItem(long Id, Guid? SensorId, Guid? RuleId, int? Revision, long Earliest);

/// <summary>What evaluation reads and writes besides alerts, on the connection and in the transaction of <see cref="CityDb"/>.</summary>
internal sealed class EvaluationStore(CityDb db)
{
    private const int SelectsAtOnce = 500;

    private NpgsqlConnection Connection => (NpgsqlConnection)db.Database.GetDbConnection();

    /// <summary>Keeps rules from changing, and takes the building for this transaction, unless another evaluator has it.</summary>
    /// <returns>The version of the rules and the database's clock; null when another has the building.</returns>
    public async Task<(long Version, DateTimeOffset Now)?> TryLockAsync(Guid buildingId, CancellationToken cancellationToken)
    {
        // By way of the context, which prepares its connection for the organisation with its first command.
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock_shared(alert_rules_lock({db.OrganizationId}))", cancellationToken);
        await using var command = Command(
            """
            SELECT (SELECT version FROM alert_rule_sets WHERE organization_id = $2), clock_timestamp()
            WHERE pg_try_advisory_xact_lock(alert_building_lock($1))
            """,
            Id(buildingId), Id(db.OrganizationId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (reader.IsDBNull(0) ? 0 : reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1)) : null;
    }

    /// <summary>Takes all work of the building out.</summary>
    public async Task<List<WorkItem>> TakeWorkAsync(Guid buildingId, CancellationToken cancellationToken)
    {
        await using var command = Command(
            "DELETE FROM alert_work WHERE building_id = $1 AND organization_id = $2 RETURNING id, sensor_id, rule_id, revision, earliest",
            Id(buildingId), Id(db.OrganizationId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var work = new List<WorkItem>();
        while (await reader.ReadAsync(cancellationToken))
        {
            work.Add(new WorkItem(
                reader.GetInt64(0),
                reader.IsDBNull(1) ? null : reader.GetGuid(1),
                reader.IsDBNull(2) ? null : reader.GetGuid(2),
                reader.IsDBNull(3) ? null : reader.GetInt32(3),
                reader.IsDBNull(4) ? Signal.Never : Microseconds(reader.GetDateTime(4))));
        }

        return work;
    }

    /// <summary>Sends what is about sensors that have moved on to the building where they are now.</summary>
    public async Task ForwardAsync(IReadOnlyCollection<WorkItem> work, CancellationToken cancellationToken)
    {
        foreach (var item in work)
        {
            await using var command = Command(
                """
                INSERT INTO alert_work (organization_id, building_id, sensor_id, rule_id, revision, earliest)
                SELECT organization_id, building_id, id, $3, $4, $5 FROM sensors WHERE organization_id = $1 AND id = $2
                """,
                Id(db.OrganizationId), Id(item.SensorId!.Value),
                new NpgsqlParameter { Value = (object?)item.RuleId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid },
                new NpgsqlParameter { Value = (object?)item.Revision ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer },
                new NpgsqlParameter { Value = item.Earliest == Signal.Never ? DBNull.Value : Timestamp.ToDateTime(item.Earliest), NpgsqlDbType = NpgsqlDbType.TimestampTz });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Subjects of the building on which something is due by the clock.</summary>
    public async Task<List<Guid>> DueAsync(Guid buildingId, long now, CancellationToken cancellationToken)
    {
        await using var command = Command(
            "SELECT subject_id FROM alert_tracks WHERE building_id = $1 AND organization_id = $2 AND next_due <= $3",
            Id(buildingId), Id(db.OrganizationId), Time(now));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var due = new List<Guid>();
        while (await reader.ReadAsync(cancellationToken))
        {
            due.Add(reader.GetGuid(0));
        }

        return due;
    }

    public async Task<Dictionary<Guid, Dictionary<Guid, Track>>> TracksAsync(Guid[] subjects, CancellationToken cancellationToken)
    {
        await using var command = Command("SELECT subject_id, tracks FROM alert_tracks WHERE subject_id = ANY ($1) AND organization_id = $2", Ids(subjects), Id(db.OrganizationId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var tracks = new Dictionary<Guid, Dictionary<Guid, Track>>();
        while (await reader.ReadAsync(cancellationToken))
        {
            tracks.Add(reader.GetGuid(0), Track.Load(reader.GetFieldValue<byte[]>(1)));
        }

        return tracks;
    }

    /// <summary>The newest saved state of before a time; null where there is none.</summary>
    public async Task<(long At, byte[] State)?> CheckpointAsync(Guid subject, Track track, long before, CancellationToken cancellationToken)
    {
        await using var command = Command(
            """
            SELECT at, state FROM alert_checkpoints
            WHERE subject_id = $1 AND rule_id = $2 AND revision = $3 AND at < $4 AND at >= $5 AND organization_id = $6
            ORDER BY at DESC LIMIT 1
            """,
            Id(subject), Id(track.RuleId), new NpgsqlParameter<int> { TypedValue = track.Revision }, Time(before), Time(track.JudgedFrom), Id(db.OrganizationId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (Microseconds(reader.GetDateTime(0)), reader.GetFieldValue<byte[]>(1)) : null;
    }

    /// <summary>Forgets saved states that a change at <paramref name="from"/> makes untrue.</summary>
    public async Task ForgetCheckpointsAsync(Guid subject, Guid ruleId, long from, CancellationToken cancellationToken)
    {
        await using var command = Command(
            "DELETE FROM alert_checkpoints WHERE subject_id = $1 AND rule_id = $2 AND at >= $3 AND organization_id = $4",
            Id(subject), Id(ruleId), Time(from), Id(db.OrganizationId));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<long?> NewestReadingAsync(int sensorKey, CancellationToken cancellationToken)
    {
        await using var command = Command(
            "SELECT observed_at FROM readings WHERE sensor_key = $1 ORDER BY observed_at DESC LIMIT 1", new NpgsqlParameter<int> { TypedValue = sensorKey });
        return await command.ExecuteScalarAsync(cancellationToken) is DateTime at ? Microseconds(at) : null;
    }

    /// <summary>Streams every sensor's readings from its time on, in order of time, into <paramref name="read"/>.</summary>
    public async Task ReadAsync(IReadOnlyList<(int Key, long From)> sensors, Action<int, Sample> read, CancellationToken cancellationToken)
    {
        foreach (var chunk in sensors.Index().Chunk(SelectsAtOnce))
        {
            await using var batch = new NpgsqlBatch(Connection) { Timeout = 120 };
            foreach (var (_, (key, from)) in chunk)
            {
                Add(batch, "SELECT observed_at, value, quality FROM readings WHERE sensor_key = $1 AND observed_at >= $2 ORDER BY observed_at",
                    new NpgsqlParameter<int> { TypedValue = key }, Time(from));
            }

            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            foreach (var (index, _) in chunk)
            {
                while (await reader.ReadAsync(cancellationToken))
                {
                    read(index, new Sample(Microseconds(reader.GetDateTime(0)), reader.GetDouble(1), reader.GetInt16(2) != (short)ReadingQuality.Bad));
                }

                await reader.NextResultAsync(cancellationToken);
            }
        }
    }

    /// <summary>The times at which any of several sensors reported, in order.</summary>
    public async Task ReadTimesAsync(int[] keys, long from, Action<Sample> read, CancellationToken cancellationToken)
    {
        await using var command = Command(
            "SELECT DISTINCT observed_at FROM readings WHERE sensor_key = ANY ($1) AND observed_at >= $2 ORDER BY observed_at",
            new NpgsqlParameter<int[]> { TypedValue = keys, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer }, Time(from));
        command.CommandTimeout = 120;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            read(new Sample(Microseconds(reader.GetDateTime(0)), double.NaN, IsUsable: false));
        }
    }

    public async Task SaveAsync(
        Guid buildingId, IReadOnlyCollection<(Guid Subject, long NextDue, byte[] Tracks)> tracks,
        IReadOnlyCollection<(Guid Subject, Track Track, long At, byte[] State)> checkpoints, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(Connection);
        if (tracks.Count > 0)
        {
            Add(batch,
                """
                INSERT INTO alert_tracks AS t (organization_id, building_id, subject_id, next_due, tracks)
                SELECT $1, $2, n.subject_id, n.next_due, n.tracks FROM unnest($3, $4, $5) AS n (subject_id, next_due, tracks)
                ON CONFLICT (subject_id) DO UPDATE SET building_id = excluded.building_id, next_due = excluded.next_due, tracks = excluded.tracks
                """,
                Id(db.OrganizationId), Id(buildingId), Ids([.. tracks.Select(t => t.Subject)]),
                new NpgsqlParameter<DateTime?[]>
                {
                    TypedValue = [.. tracks.Select(t => t.NextDue == Signal.Never ? (DateTime?)null : Timestamp.ToDateTime(t.NextDue))],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
                },
                new NpgsqlParameter<byte[][]> { TypedValue = [.. tracks.Select(t => t.Tracks)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        }

        if (checkpoints.Count > 0)
        {
            Add(batch,
                """
                INSERT INTO alert_checkpoints (organization_id, subject_id, rule_id, revision, at, state)
                SELECT $1, * FROM unnest($2, $3, $4, $5, $6)
                ON CONFLICT (subject_id, rule_id, at) DO UPDATE SET revision = excluded.revision, state = excluded.state
                """,
                Id(db.OrganizationId), Ids([.. checkpoints.Select(c => c.Subject)]), Ids([.. checkpoints.Select(c => c.Track.RuleId)]),
                new NpgsqlParameter<int[]> { TypedValue = [.. checkpoints.Select(c => c.Track.Revision)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer },
                new NpgsqlParameter<DateTime[]> { TypedValue = [.. checkpoints.Select(c => Timestamp.ToDateTime(c.At))], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                new NpgsqlParameter<byte[][]> { TypedValue = [.. checkpoints.Select(c => c.State)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        }

        if (batch.BatchCommands.Count > 0)
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private NpgsqlCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlCommand(sql, Connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static void Add(NpgsqlBatch batch, string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(command);
    }

    private static NpgsqlParameter<Guid> Id(Guid id) => new() { TypedValue = id };

    private static NpgsqlParameter<Guid[]> Ids(Guid[] ids) => new() { TypedValue = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };

    private static NpgsqlParameter<DateTime> Time(long microseconds) => new()
    {
        TypedValue = microseconds switch
        {
            long.MinValue => DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc),
            Signal.Never => DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc),
            _ => Timestamp.ToDateTime(microseconds),
        },
        NpgsqlDbType = NpgsqlDbType.TimestampTz,
    };

    private static long Microseconds(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
}
