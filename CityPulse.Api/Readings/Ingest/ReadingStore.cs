using CityPulse.Api.Events;
using CityPulse.Api.Readings.Quarantine;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>What became of a batch's good rows.</summary>
internal readonly record struct StoreOutcome(int Accepted, int Updated, int Duplicates);

/// <summary>
/// Stores a batch durably in one transaction, together with its event. The common batch holds nothing but new readings:
/// one COPY straight into the table. Where some may be stored already, they are merged, which costs several times as much;
/// a look at the sensors' ranges tells beforehand, and a COPY that fails nevertheless is done again as a merge.
/// </summary>
internal sealed partial class ReadingStore(
    TenantDatabase database, SensorRegistry registry, ReadingPartitions partitions, Outbox outbox, OutboxSignal signal,
    IEnumerable<IStoredBatchPart> parts, ILogger<ReadingStore> logger)
{
    private const int MaxAttempts = 8;
    private readonly IStoredBatchPart[] _parts = [.. parts];

    private enum Attempt
    {
        Committed,
        /// <summary>The sensors have changed since they were looked up.</summary>
        OldSensors,
    }

    /// <param name="sift">Takes out what cannot be true; null stores it all the same.</param>
    /// <exception cref="NpgsqlException">The database cannot be had, after several attempts.</exception>
    public async Task<(StoreOutcome Outcome, OrganizationSensors Sensors)> StoreAsync(
        Guid organizationId, IngestBatch batch, QuarantineSift? sift, CancellationToken cancellationToken)
    {
        var sensors = await registry.GetAsync(organizationId, cancellationToken);
        var readings = SortedReadings.From(batch, sensors);
        try
        {
            var mustMerge = false;
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    if (sift is not null && await sift.SiftAsync(batch, sensors, readings, cancellationToken))
                    {
                        readings.Dispose();
                        readings = SortedReadings.From(batch, sensors);
                    }

                    await partitions.EnsureAsync(MissingMonths(readings), cancellationToken);
                    var (result, outcome) = await TryStoreAsync(organizationId, sensors, readings, mustMerge, cancellationToken);
                    if (result == Attempt.Committed)
                    {
                        return (outcome, sensors);
                    }

                    sensors = await registry.ReloadAsync(organizationId, sensors, cancellationToken);
                    readings.Dispose();
                    readings = SortedReadings.From(batch, sensors);
                }
                catch (NpgsqlException e) when (attempt < MaxAttempts && CanRetry(e))
                {
                    // After a lost connection nobody knows whether the commit came through; a merge is right either way.
                    mustMerge = true;
                    LogRetry((e as PostgresException)?.SqlState ?? "connection", attempt);
                    await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(5, 20 * attempt)), cancellationToken);
                }
            }
        }
        finally
        {
            readings.Dispose();
        }
    }

    private bool CanRetry(NpgsqlException e)
    {
        if ((e as PostgresException)?.SqlState == PostgresErrorCodes.CheckViolation)
        {
            partitions.Forget();
            return true;
        }

        return e.IsTransient || (e as PostgresException)?.SqlState
            is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure;
    }

    private async Task<(Attempt, StoreOutcome)> TryStoreAsync(
        Guid organizationId, OrganizationSensors sensors, SortedReadings readings, bool mustMerge, CancellationToken cancellationToken)
    {
        // Whatever leaves this method without a commit is rolled back when the connection goes back to its pool.
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        var (version, mayBeStored) = await BeginAsync(connection, organizationId, mustMerge ? null : readings, cancellationToken);
        if (version != sensors.Version)
        {
            return (Attempt.OldSensors, default);
        }

        if (readings.Count == 0)
        {
            return (Attempt.Committed, new StoreOutcome(0, 0, 0));
        }

        using var payload = new PooledBuffer((readings.Runs.Count * 42) + (readings.Count * 18) + 1);
        var stored = new StoredBatch(organizationId);
        StoreOutcome outcome;
        if (mustMerge || mayBeStored)
        {
            var merge = await ReadingMerge.RunAsync(connection, readings, cancellationToken);
            merge.TellStored(Tell);
            outcome = new StoreOutcome(
                merge.Inserted, merge.Updated + readings.Superseded, readings.Count - merge.Inserted - merge.Updated + readings.Repeated);
        }
        else
        {
            await CopyWriter.WriteAsync(connection, readings, cancellationToken);
            foreach (var run in readings.Runs)
            {
                Tell(run.Sensor, readings.PointsOf(run));
            }

            outcome = new StoreOutcome(readings.Count, readings.Superseded, readings.Repeated);
        }

        await CommitAsync(connection, stored, payload.Written);
        foreach (var run in readings.Runs)
        {
            run.Sensor.Stored(readings.PointsOf(run)[^1].AtMicroseconds);
        }

        return (Attempt.Committed, outcome);

        void Tell(SensorEntry sensor, ReadOnlySpan<ReadingBatch.Point> points)
        {
            ReadingBatch.WriteBlock(payload, sensor.Id, sensor.BuildingId, points);
            stored.Add(sensor, points);
        }
    }

    /// <summary>One round trip: begins, keeps changes of sensors out, and asks for their version and for stored neighbours.</summary>
    private static async Task<(long Version, bool MayBeStored)> BeginAsync(
        NpgsqlConnection connection, Guid organizationId, SortedReadings? readings, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(TenantSetting.Command(organizationId));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
        batch.BatchCommands.Add(ForOrganization("SELECT 1 FROM pg_advisory_xact_lock_shared(sensor_registry_lock($1))", organizationId));
        batch.BatchCommands.Add(ForOrganization("SELECT version FROM sensor_registries WHERE organization_id = $1", organizationId));
        if (readings is not null && StoredNeighbours(readings) is { } neighbours)
        {
            batch.BatchCommands.Add(neighbours);
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var version = await reader.ReadAsync(cancellationToken) ? reader.GetInt64(0) : 0;
        var mayBeStored = await reader.NextResultAsync(cancellationToken) && await reader.ReadAsync(cancellationToken);
        return (version, mayBeStored);
    }

    private static NpgsqlBatchCommand ForOrganization(string sql, Guid organizationId) => new(sql)
    {
        Parameters = { new NpgsqlParameter<Guid> { TypedValue = organizationId, NpgsqlDbType = NpgsqlDbType.Uuid } },
    };

    /// <summary>
    /// Asks whether anything is stored within the batch's range of any sensor. Not asked of sensors whose batch is all
    /// later than what this process has seen stored; null when that is all of them.
    /// </summary>
    private static NpgsqlBatchCommand? StoredNeighbours(SortedReadings readings)
    {
        var runs = readings.Runs.Where(run => readings.PointsOf(run)[0].AtMicroseconds <= run.Sensor.Newest || run.Sensor.Newest == long.MinValue).ToArray();
        return runs.Length == 0 ? null : new NpgsqlBatchCommand("""
            SELECT 1
            FROM unnest($1, $2, $3) AS b (sensor_key, earliest, latest)
            WHERE EXISTS (
                SELECT 1 FROM readings r
                WHERE r.sensor_key = b.sensor_key AND r.observed_at BETWEEN b.earliest AND b.latest AND r.observed_at BETWEEN $4 AND $5)
            LIMIT 1
            """)
        {
            Parameters =
            {
                Array(NpgsqlDbType.Integer, runs, r => r.Sensor.Key),
                Array(NpgsqlDbType.TimestampTz, runs, Earliest),
                Array(NpgsqlDbType.TimestampTz, runs, Latest),
                new NpgsqlParameter<DateTime> { TypedValue = runs.Min(Earliest), NpgsqlDbType = NpgsqlDbType.TimestampTz },
                new NpgsqlParameter<DateTime> { TypedValue = runs.Max(Latest), NpgsqlDbType = NpgsqlDbType.TimestampTz },
            },
        };

        DateTime Earliest(SortedReadings.Run run) => Timestamp.ToDateTime(readings.PointsOf(run)[0].AtMicroseconds);
        DateTime Latest(SortedReadings.Run run) => Timestamp.ToDateTime(readings.PointsOf(run)[^1].AtMicroseconds);

        static NpgsqlParameter<T[]> Array<T>(NpgsqlDbType type, SortedReadings.Run[] runs, Converter<SortedReadings.Run, T> member) =>
            new() { TypedValue = System.Array.ConvertAll(runs, member), NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    /// <summary>One round trip: the event and all parts, if anything was stored, and the commit. Not cancelled halfway by a client that leaves.</summary>
    private async Task CommitAsync(NpgsqlConnection connection, StoredBatch stored, ReadOnlyMemory<byte> payload)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (!payload.IsEmpty)
        {
            batch.BatchCommands.Add(outbox.Command(stored.OrganizationId, StreamRecord.ReadingsType, [], payload));
            foreach (var part in _parts)
            {
                part.AddTo(batch, stored);
            }
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
        if (!payload.IsEmpty)
        {
            signal.Ring();
            foreach (var part in _parts)
            {
                part.Committed(stored);
            }
        }
    }

    private HashSet<int> MissingMonths(SortedReadings readings)
    {
        var missing = new HashSet<int>();
        foreach (var run in readings.Runs)
        {
            var (from, until) = (0L, long.MinValue);
            foreach (var point in readings.PointsOf(run))
            {
                if (point.AtMicroseconds >= until || point.AtMicroseconds < from)
                {
                    var month = ReadingPartitions.MonthOf(point.At);
                    (from, until) = (Timestamp.FromDateTimeOffset(ReadingPartitions.StartOf(month)), Timestamp.FromDateTimeOffset(ReadingPartitions.StartOf(month + 1)));
                    if (!partitions.Knows(month))
                    {
                        missing.Add(month);
                    }
                }
            }
        }

        return missing;
    }

    [LoggerMessage(LogLevel.Debug, "Storing a batch again after {Reason}, attempt {Attempt}")]
    private partial void LogRetry(string reason, int attempt);
}
