namespace CityPulse.AiGateway.Swarm;

/// <summary>The tables of runs, a version of schema <c>ai</c>.</summary>
internal static class SwarmTables
{
    /// <summary>
    /// A run is its record: the steps and events stand beside it and are never changed. <c>last_event</c> gives events their numbers under
    /// the run's row lock, so that they are committed in the order of their numbers.
    /// </summary>
    public const string Sql = """
        create table ai.swarm_runs (
            id               uuid        primary key,
            organization_id  uuid        not null,
            user_id          uuid        not null,
            goal             text        not null,
            pattern          text        not null,
            agents           json        not null,
            max_turns        integer     not null,
            max_cost_usd     numeric,
            status           text        not null,
            created_at       timestamptz not null,
            started_at       timestamptz,
            ended_at         timestamptz,
            result           text,
            stop_reason      text,
            error            text,
            turns            integer     not null default 0,
            input_tokens     bigint      not null default 0,
            output_tokens    bigint      not null default 0,
            cost_usd         numeric     not null default 0,
            cost_known       boolean     not null default true,
            last_event       bigint      not null default 0,
            attempts         integer     not null default 0,
            lease_owner      uuid,
            lease_until      timestamptz,
            sealed_token     bytea,
            token_expires_at timestamptz not null,
            frontend         text,
            idempotency_key  text,
            request_hash     bytea
        );
        create index on ai.swarm_runs (organization_id, id desc);
        create index on ai.swarm_runs (created_at, id) where status in ('queued', 'running');
        create unique index on ai.swarm_runs (organization_id, user_id, idempotency_key) where idempotency_key is not null;

        create table ai.swarm_steps (
            run_id          uuid        not null references ai.swarm_runs on delete cascade,
            step_index      integer     not null,
            organization_id uuid        not null,
            agent           integer     not null,
            model           text        not null,
            content         text        not null,
            tool_calls      json        not null,
            hand_off_to     text,
            concludes       boolean     not null,
            input_tokens    bigint      not null,
            output_tokens   bigint      not null,
            cost_usd        numeric,
            started_at      timestamptz not null,
            ended_at        timestamptz not null,
            primary key (run_id, step_index)
        );

        create table ai.swarm_events (
            run_id          uuid        not null references ai.swarm_runs on delete cascade,
            number          bigint      not null,
            organization_id uuid        not null,
            type            text        not null,
            at              timestamptz not null,
            data            json        not null,
            primary key (run_id, number)
        );
        """;
    /// <summary>How far the live stream has been told of a run.</summary>
    public const string Telling = """
        alter table ai.swarm_runs add column told_event bigint not null default 0;
        create index on ai.swarm_runs (id) where told_event < last_event;
        """;
}
