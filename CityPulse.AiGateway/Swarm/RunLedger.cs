using CityPulse.AiGateway.Swarm.Domain;
using Npgsql;
using NpgsqlTypes;
using static CityPulse.AiGateway.Swarm.RunSql;

namespace CityPulse.AiGateway.Swarm;

/// <summary>A run that this replica holds.</summary>
/// <param name="Owner">Who holds it: a new id at every claim, so that not even the same replica can write for a claim that it lost.</param>
internal sealed record ClaimedRun(
    Guid Id, Guid Owner, Guid OrganizationId, Guid UserId, string Goal, RunPlan Plan, DateTimeOffset StartedAt, int Attempt, byte[]? SealedToken, DateTimeOffset TokenExpiresAt,
    string? Frontend, IReadOnlyList<RunStep> Steps);

/// <summary>
/// Runs as the replicas work on them. Whoever holds the lease writes; every write asks for it anew, so a replica that was thought lost and
/// comes back writes nothing. Leases go by the database's clock, the only one that all share.
/// </summary>
internal sealed class RunLedger(NpgsqlDataSource source, TimeProvider time)
{
    private static readonly string ClaimSql = $"""
        update ai.swarm_runs r
        set status = 'running', lease_owner = $1, lease_until = clock_timestamp() + make_interval(secs => $2), attempts = attempts + 1, started_at = coalesce(started_at, $3)
        from (select id from ai.swarm_runs
              where status in ({From(RunTrigger.Claim)}) and (lease_until is null or lease_until < clock_timestamp())
              order by created_at, id for update skip locked limit 1) next
        where r.id = next.id
        returning r.id, r.organization_id, r.user_id, r.goal, r.pattern, r.agents, r.max_turns, r.max_cost_usd, r.started_at, r.attempts, r.sealed_token,
            r.token_expires_at, r.frontend
        """;

    /// <summary>The oldest run that nobody holds, or null.</summary>
    public async Task<ClaimedRun?> ClaimAsync(TimeSpan lease, CancellationToken cancellationToken)
    {
        var owner = Guid.CreateVersion7(time.GetUtcNow());
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var claim = new NpgsqlCommand(ClaimSql, connection)
        {
            Parameters = { Id(owner), new NpgsqlParameter<double> { TypedValue = lease.TotalSeconds }, Time(time.GetUtcNow()) },
        };
        ClaimedRun run;
        await using (var reader = await claim.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            run = new ClaimedRun(
                reader.GetGuid(0), owner, reader.GetGuid(1), reader.GetGuid(2), reader.GetString(3),
                new RunPlan(Parse<SwarmPattern>(reader.GetString(4)), reader.ReadJson<List<AgentSpec>>(5), reader.GetInt32(6), reader.ReadOptional<decimal>(7)),
                reader.GetFieldValue<DateTimeOffset>(8), reader.GetInt32(9), reader.ReadBytes(10),
                reader.GetFieldValue<DateTimeOffset>(11), reader.ReadText(12), []);
        }

        await using var read = new NpgsqlCommand($"select {RunSteps.Columns} from ai.swarm_steps where run_id = $1 order by step_index", connection)
        {
            Parameters = { Id(run.Id) },
        };
        await using var rows = await read.ExecuteReaderAsync(cancellationToken);
        var steps = new List<RunStep>();
        while (await rows.ReadAsync(cancellationToken))
        {
            steps.Add(RunSteps.Read(rows));
        }

        return run with { Steps = steps };
    }

    /// <summary>False when the run is this replica's no more: it has ended, or another one has it.</summary>
    public async Task<bool> RenewAsync(ClaimedRun run, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("""
            update ai.swarm_runs set lease_until = clock_timestamp() + make_interval(secs => $3) where id = $1 and lease_owner = $2 and status = 'running'
            """);
        command.Parameters.Add(Id(run.Id));
        command.Parameters.Add(Id(run.Owner));
        command.Parameters.Add(new NpgsqlParameter<double> { TypedValue = lease.TotalSeconds });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>Gives a run back so that another replica goes on with it at once: a shutdown is no crash and does not count as one.</summary>
    public async Task ReleaseAsync(ClaimedRun run, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("""
            update ai.swarm_runs set lease_owner = null, lease_until = null, attempts = attempts - 1 where id = $1 and lease_owner = $2 and status = 'running'
            """);
        command.Parameters.Add(Id(run.Id));
        command.Parameters.Add(Id(run.Owner));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Stores a piece of a step's text as it comes. False as in <see cref="RenewAsync"/>.</summary>
    public async Task<bool> AppendDeltaAsync(ClaimedRun run, DeltaEvent delta, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await NumberAsync(connection, transaction, run, "last_event = last_event + 1", [], cancellationToken) is not { } number)
        {
            return false;
        }

        await StoreAsync(connection, transaction, [InsertEvent(run.Id, run.OrganizationId, number, SwarmEvents.Delta, time.GetUtcNow(), delta)], cancellationToken);
        return true;
    }

    /// <summary>
    /// A step, what it cost and its events, all or nothing, and once: the run's row is locked, its lease asked for, and (run, index) is
    /// the step's key. False as in <see cref="RenewAsync"/>.
    /// </summary>
    public async Task<bool> CommitAsync(ClaimedRun run, RunStep step, DeltaEvent? rest, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var events = rest is null ? 1 : 2;
        const string change = """
            last_event = last_event + $3, turns = turns + 1, input_tokens = input_tokens + $4, output_tokens = output_tokens + $5,
            cost_usd = cost_usd + coalesce($6, 0), cost_known = cost_known and $6 is not null
            """;
        NpgsqlParameter[] values = [Long(events), Long(step.InputTokens), Long(step.OutputTokens), Optional(step.CostUsd, NpgsqlDbType.Numeric)];
        if (await NumberAsync(connection, transaction, run, change, values, cancellationToken) is not { } number)
        {
            return false;
        }

        var commands = new List<NpgsqlBatchCommand>
        {
            new("""
                insert into ai.swarm_steps (run_id, step_index, organization_id, agent, model, content, tool_calls, hand_off_to, concludes, input_tokens, output_tokens,
                    cost_usd, started_at, ended_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                """)
            {
                Parameters =
                {
                    Id(run.Id), Int(step.Index), Id(run.OrganizationId), Int(step.Agent), Text(step.Model), Text(step.Content), Json(step.ToolCalls),
                    Optional(step.HandOffTo, NpgsqlDbType.Text), new NpgsqlParameter<bool> { TypedValue = step.Concludes }, Long(step.InputTokens),
                    Long(step.OutputTokens), Optional(step.CostUsd, NpgsqlDbType.Numeric), Time(step.StartedAt), Time(step.EndedAt),
                },
            },
        };
        if (rest is not null)
        {
            commands.Add(InsertEvent(run.Id, run.OrganizationId, number - 1, SwarmEvents.Delta, step.EndedAt, rest));
        }

        commands.Add(InsertEvent(run.Id, run.OrganizationId, number, SwarmEvents.Step, step.EndedAt, new StepEvent(run.Id, step.ToResponse(run.Plan.Agents))));
        await StoreAsync(connection, transaction, commands, cancellationToken);
        return true;
    }

    /// <summary>Ends a run; the caller's token goes with it.</summary>
    public async Task FinishAsync(ClaimedRun run, Move.End end, string? result, SwarmUsage usage, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        const string change = """
            last_event = last_event + 1, status = $3, stop_reason = $4, error = $5, result = $6, ended_at = $7, sealed_token = null, lease_owner = null, lease_until = null
            """;
        NpgsqlParameter[] values =
        [
            Text(RunLifecycle.Name(end.Status)), Text(Word(end.Reason)), Optional(end.Error, NpgsqlDbType.Text), Optional(result, NpgsqlDbType.Text), Time(now),
        ];
        if (await NumberAsync(connection, transaction, run, change, values, cancellationToken) is { } number)
        {
            var data = new FinishedEvent(run.Id, end.Status, result, end.Reason, end.Error, usage);
            await StoreAsync(connection, transaction, [InsertEvent(run.Id, run.OrganizationId, number, SwarmEvents.Finished, now, data)], cancellationToken);
        }
    }

    private static async Task<long?> NumberAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, ClaimedRun run, string change, NpgsqlParameter[] values, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"update ai.swarm_runs set {change} where id = $1 and lease_owner = $2 and status = 'running' returning last_event", connection, transaction)
        {
            Parameters = { Id(run.Id), Id(run.Owner) },
        };
        command.Parameters.AddRange(values);
        return (long?)await command.ExecuteScalarAsync(cancellationToken);
    }

    private static async Task StoreAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IEnumerable<NpgsqlBatchCommand> commands, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var command in commands)
        {
            batch.BatchCommands.Add(command);
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
