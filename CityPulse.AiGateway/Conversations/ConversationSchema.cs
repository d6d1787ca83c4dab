using CityPulse.AiGateway.Accounting;
using CityPulse.AiGateway.Swarm;
using CityPulse.ServiceDefaults.Schema;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CityPulse.AiGateway.Conversations;

/// <summary>
/// Schema <c>ai</c>, and the wall between organisations with it: one replica at a time, each version in its own transaction. Readiness tells.
/// </summary>
internal sealed class ConversationSchema(
    TenantDatabase database, IOptions<MigrationOptions> options, TimeProvider time, ILogger<ConversationSchema> logger)
    : SchemaMigration(options, time, logger), IHealthCheck
{
    private const long LockKey = 0x4350_0101;
    private const long WallLockKey = 0x4350_0102;

    /// <summary>The schema's tables without an <c>organization_id</c>; all others are walled by it.</summary>
    internal static readonly IReadOnlyCollection<TenantTable> WithoutOrganization =
    [
        new("schema_versions", TableUse.None, "Only this class looks at it."),
        new("messages", TableUse.Both, "A message is where its conversation is.", "EXISTS (SELECT FROM ai.conversations c WHERE c.id = conversation_id)"),
    ];

    private static readonly string[] Versions =
    [
        """
        create table ai.conversations (
            id              uuid        primary key,
            organization_id uuid        not null,
            user_id         uuid        not null,
            title           text        not null,
            created_at      timestamptz not null,
            updated_at      timestamptz not null
        );
        create index on ai.conversations (organization_id, user_id, id desc);

        create table ai.messages (
            conversation_id uuid        not null references ai.conversations on delete cascade,
            position        bigint      generated always as identity,
            role            text        not null,
            content         text        not null,
            created_at      timestamptz not null,
            model           text,
            input_tokens    bigint,
            output_tokens   bigint,
            cost_usd        numeric,
            finish_reason   text,
            tool_calls      jsonb,
            primary key (conversation_id, position)
        );
        """,
        AccountingTables.Sql,
        SwarmTables.Sql,
        SwarmTables.Telling,
        "alter table ai.messages add column evidence jsonb",
        AccountingTables.Room,
        "alter table ai.conversations add column summary text, add column summary_until bigint",
        AccountingTables.Journal,
        AccountingTables.JournalRows,
    ];

    private volatile bool _ready;

    public bool IsReady => _ready;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_ready ? HealthCheckResult.Healthy("Conversations can be kept.") : HealthCheckResult.Unhealthy("The schema ai is not in place yet."));

    protected override void Complete() => _ready = true;

    protected override async Task<bool> IsBehindAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(cancellationToken);
        await using var count = new NpgsqlCommand("select count(*) from ai.schema_versions where version <= $1", connection);
        count.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Versions.Length });
        try
        {
            return await count.ExecuteScalarAsync(cancellationToken) is not long applied || applied < Versions.Length;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            return true;
        }
    }

    public override async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.Owner.OpenConnectionAsync(cancellationToken);
        for (var version = 1; version <= Versions.Length; version++)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await ExecuteAsync($"select pg_advisory_xact_lock({LockKey})");
            await ExecuteAsync("create schema if not exists ai");
            await ExecuteAsync("create table if not exists ai.schema_versions (version integer primary key, applied_at timestamptz not null default now())");
            await using var insert = new NpgsqlCommand("insert into ai.schema_versions (version) values ($1) on conflict do nothing", connection, transaction);
            insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = version });
            if (await insert.ExecuteNonQueryAsync(cancellationToken) == 1)
            {
                await ExecuteAsync(Versions[version - 1]);
            }

            await transaction.CommitAsync(cancellationToken);

            async Task ExecuteAsync(string sql)
            {
                await using var command = new NpgsqlCommand(sql, connection, transaction) { CommandTimeout = 120 };
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
        }

        await BuildWallAsync(connection, cancellationToken);
    }

    /// <summary>One replica at a time: the transaction is there for its lock, which ends with it.</summary>
    private async Task BuildWallAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var wait = new NpgsqlCommand($"select pg_advisory_xact_lock({WallLockKey})", connection, transaction) { CommandTimeout = 120 };
        await wait.ExecuteNonQueryAsync(cancellationToken);
        await TenantWall.BuildAsync(database, "ai", WithoutOrganization, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
