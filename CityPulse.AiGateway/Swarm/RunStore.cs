using CityPulse.AiGateway.Swarm.Domain;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;
using NpgsqlTypes;
using static CityPulse.AiGateway.Swarm.RunSql;

namespace CityPulse.AiGateway.Swarm;

/// <summary>A run that is to be queued.</summary>
/// <param name="SealedToken">See <see cref="RunSeal"/>.</param>
internal sealed record NewRun(Guid Id, string Goal, RunPlan Plan, byte[] SealedToken, DateTimeOffset TokenExpiresAt, string? Frontend, string? IdempotencyKey, byte[] RequestHash);

/// <summary>What became of a request to start a run.</summary>
internal enum Admission
{
    Queued,
    /// <summary>The key was used for the same request: its run is the answer.</summary>
    Replayed,
    /// <summary>The key was used for another request.</summary>
    KeyTaken,
}

/// <summary>One event of a run as it is stored.</summary>
internal sealed record StoredEvent(long Number, string Type, string Data);

/// <summary>Runs as the callers see them. Everybody sees those of their organisation and no other.</summary>
internal sealed class RunStore(TenantDatabase database, TimeProvider time)
{
    private static readonly TimeSpan KeyKept = TimeSpan.FromHours(24);

    private const string ItemColumns = "id, status, goal, pattern, created_at, started_at, ended_at, turns, input_tokens, output_tokens, cost_usd, cost_known, last_event";

    private static readonly string CancelSql = $"""
        update ai.swarm_runs
        set status = 'cancelled', stop_reason = 'cancelled', ended_at = $3, sealed_token = null, lease_owner = null, lease_until = null, last_event = last_event + 1
        where id = $1 and organization_id = $2 and status in ({From(RunTrigger.Cancel)})
        returning {ItemColumns}
        """;

    public async Task<(Admission Admission, Guid RunId)> QueueAsync(NewRun run, Caller caller, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var batch = new NpgsqlBatch(connection, transaction)
        {
            BatchCommands =
            {
                TenantSetting.Command(caller.OrganizationId),
                // Keys are remembered for a day; after it they are as good as new.
                new NpgsqlBatchCommand("""
                    update ai.swarm_runs set idempotency_key = null
                    where organization_id = $1 and user_id = $2 and idempotency_key = $3 and created_at < $4
                    """)
                {
                    Parameters = { Id(caller.OrganizationId), Id(caller.UserId), Optional(run.IdempotencyKey, NpgsqlDbType.Text), Time(now - KeyKept) },
                },
                new NpgsqlBatchCommand("""
                    insert into ai.swarm_runs (id, organization_id, user_id, goal, pattern, agents, max_turns, max_cost_usd, status, created_at,
                        sealed_token, token_expires_at, frontend, idempotency_key, request_hash)
                    values ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10, $11, $12, $13, $14)
                    on conflict (organization_id, user_id, idempotency_key) where idempotency_key is not null do nothing
                    """)
                {
                    Parameters =
                    {
                        Id(run.Id), Id(caller.OrganizationId), Id(caller.UserId), Text(run.Goal), Text(Word(run.Plan.Pattern)), Json(run.Plan.Agents),
                        Int(run.Plan.MaxTurns), Optional(run.Plan.MaxCostUsd, NpgsqlDbType.Numeric), Time(now), Optional(run.SealedToken, NpgsqlDbType.Bytea),
                        Time(run.TokenExpiresAt), Optional(run.Frontend, NpgsqlDbType.Text), Optional(run.IdempotencyKey, NpgsqlDbType.Text),
                        Optional(run.RequestHash, NpgsqlDbType.Bytea),
                    },
                },
                new NpgsqlBatchCommand("""
                    select id, request_hash from ai.swarm_runs
                    where organization_id = $1 and user_id = $2 and (id = $3 or idempotency_key = $4)
                    """)
                {
                    Parameters = { Id(caller.OrganizationId), Id(caller.UserId), Id(run.Id), Optional(run.IdempotencyKey, NpgsqlDbType.Text) },
                },
            },
        })
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                throw new InvalidOperationException("A run that was just queued is not there.");
            }

            var (id, hash) = (reader.GetGuid(0), reader.GetFieldValue<byte[]>(1));
            await reader.CloseAsync();
            await transaction.CommitAsync(cancellationToken);
            return (id == run.Id ? Admission.Queued : hash.AsSpan().SequenceEqual(run.RequestHash) ? Admission.Replayed : Admission.KeyTaken, id);
        }
    }

    /// <summary>The organisation's runs, newest first, after the one that a page ended with.</summary>
    public async Task<List<RunItem>> ListAsync(Guid organizationId, Guid? after, int count, CancellationToken cancellationToken)
    {
        var select = new NpgsqlBatchCommand(
            $"select {ItemColumns} from ai.swarm_runs where organization_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3")
        {
            Parameters = { Id(organizationId), Optional(after, NpgsqlDbType.Uuid), Int(count) },
        };
        await using var batch = database.Requests.CreateBatch(organizationId, select);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var items = new List<RunItem>();
        while (await reader.ReadAsync(cancellationToken))
        {
            items.Add(ReadItem(reader));
        }

        return items;
    }

    /// <summary>The whole record of a run, as of one moment.</summary>
    public async Task<RunResponse?> FindAsync(Guid id, Guid organizationId, CancellationToken cancellationToken)
    {
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction)
        {
            BatchCommands =
            {
                TenantSetting.Command(organizationId),
                new NpgsqlBatchCommand($"""
                    select {ItemColumns}, agents, max_turns, max_cost_usd, result, stop_reason, error
                    from ai.swarm_runs where id = $1 and organization_id = $2
                    """)
                {
                    Parameters = { Id(id), Id(organizationId) },
                },
                new NpgsqlBatchCommand($"select {RunSteps.Columns} from ai.swarm_steps where run_id = $1 and organization_id = $2 order by step_index")
                {
                    Parameters = { Id(id), Id(organizationId) },
                },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var item = ReadItem(reader);
        var agents = reader.ReadJson<List<AgentSpec>>(13);
        var (maxTurns, maxCost, result, reason, error) =
            (reader.GetInt32(14), reader.ReadOptional<decimal>(15), reader.ReadText(16), reader.ReadText(17), reader.ReadText(18));
        await reader.NextResultAsync(cancellationToken);
        var steps = new List<StepResponse>();
        while (await reader.ReadAsync(cancellationToken))
        {
            steps.Add(RunSteps.Read(reader).ToResponse(agents));
        }

        return new RunResponse(
            item.Id, item.RunId, item.Status, item.Goal, item.Pattern, agents, maxTurns, maxCost, item.CreatedAt, item.StartedAt, item.EndedAt, steps, result,
            reason is null ? null : Parse<StopReason>(reason), error, item.Usage, item.Version);
    }

    /// <summary>Ends a run now. What its replica is doing is told within moments, and stored no more.</summary>
    /// <returns>Null when the organisation has no such run; <c>Done</c> tells whether it was still to be ended.</returns>
    public async Task<(RunItem Run, bool Done)?> CancelAsync(Guid id, Guid organizationId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await ReadOneAsync(CancelSql, Id(id), Id(organizationId), Time(now)) is { } run)
        {
            await using var tell = new NpgsqlBatch(connection, transaction)
            {
                BatchCommands =
                {
                    InsertEvent(id, organizationId, run.Version, SwarmEvents.Finished, now,
                        new FinishedEvent(id, RunStatus.Cancelled, Result: null, StopReason.Cancelled, Error: null, run.Usage)),
                },
            };
            await tell.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return (run, true);
        }

        const string find = $"select {ItemColumns} from ai.swarm_runs where id = $1 and organization_id = $2";
        return await ReadOneAsync(find, Id(id), Id(organizationId)) is { } ended ? (ended, false) : null;

        async Task<RunItem?> ReadOneAsync(string sql, params NpgsqlParameter[] values)
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.AddRange(values);
            await using var batch = new NpgsqlBatch(connection, transaction) { BatchCommands = { TenantSetting.Command(organizationId), command } };
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) ? ReadItem(reader) : null;
        }
    }

    /// <summary>Events after a number, in order; null when the organisation has no such run. <c>HasEnded</c> was true before they were read.</summary>
    public async Task<(bool HasEnded, List<StoredEvent> Events)?> EventsAsync(Guid id, Guid organizationId, long after, int count, CancellationToken cancellationToken)
    {
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                TenantSetting.Command(organizationId),
                new NpgsqlBatchCommand("select status, last_event from ai.swarm_runs where id = $1 and organization_id = $2") { Parameters = { Id(id), Id(organizationId) } },
                new NpgsqlBatchCommand("select number, type, data from ai.swarm_events where run_id = $1 and organization_id = $2 and number > $3 order by number limit $4")
                {
                    Parameters = { Id(id), Id(organizationId), Long(after), Int(count) },
                },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var (status, last) = (RunLifecycle.Parse(reader.GetString(0)), reader.GetInt64(1));
        await reader.NextResultAsync(cancellationToken);
        var events = new List<StoredEvent>();
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(new StoredEvent(reader.GetInt64(0), reader.GetString(1), reader.GetString(2)));
        }

        var reached = events.Count > 0 ? events[^1].Number : after;
        return (RunLifecycle.IsEnd(status) && reached >= last, events);
    }

    private static RunItem ReadItem(NpgsqlDataReader reader) => new(
        reader.GetGuid(0), reader.GetGuid(0), RunLifecycle.Parse(reader.GetString(1)), reader.GetString(2), Parse<SwarmPattern>(reader.GetString(3)),
        reader.GetFieldValue<DateTimeOffset>(4), reader.ReadOptional<DateTimeOffset>(5), reader.ReadOptional<DateTimeOffset>(6),
        new SwarmUsage(reader.GetInt32(7), reader.GetInt64(8), reader.GetInt64(9), reader.GetBoolean(11) ? reader.GetDecimal(10) : null),
        reader.GetInt64(12));
}
