namespace CityPulse.AiGateway.Accounting;

/// <summary>The tables of schema <c>ai</c> that keep accounts.</summary>
internal static class AccountingTables
{
    /// <summary>
    /// <c>usage</c> is only ever added to. <c>spending</c> has a row a month for each user of an organisation with budgets and one for the
    /// whole organisation, under the user id of zeros.
    /// </summary>
    public const string Sql = """
        create table ai.usage (
            id              uuid        primary key,
            organization_id uuid        not null,
            user_id         uuid        not null,
            conversation_id uuid,
            model           text        not null,
            provider        text        not null,
            input_tokens    bigint      not null,
            output_tokens   bigint      not null,
            cost_usd        numeric,
            is_estimated    boolean     not null,
            outcome         text        not null,
            at              timestamptz not null
        );
        create index on ai.usage (organization_id, at, user_id);

        create function ai.refuse_change() returns trigger language plpgsql as 'begin raise exception ''Accounts are only added to.''; end';
        create trigger usage_is_only_added_to before update or delete on ai.usage for each statement execute function ai.refuse_change();

        create table ai.spending (
            organization_id uuid    not null,
            user_id         uuid    not null,
            month           date    not null,
            spent_usd       numeric not null,
            reserved_usd    numeric not null,
            primary key (organization_id, user_id, month)
        );

        create table ai.reservations (
            id              uuid        primary key,
            organization_id uuid        not null,
            user_id         uuid        not null,
            month           date        not null,
            amount_usd      numeric     not null,
            expires_at      timestamptz not null
        );
        create index on ai.reservations (organization_id, expires_at);
        """;

    /// <summary>Both are changed by every call; room in their pages lets new versions of a row stay where the old ones were.</summary>
    public const string Room = """
        alter table ai.spending set (fillfactor = 50);
        alter table ai.reservations set (fillfactor = 50);
        """;

    /// <summary>The journal of the version before <see cref="JournalRows"/>: calls were in it first, and in <c>usage</c> soon after.</summary>
    public const string Journal = """
        create table ai.journal (
            organization_id  uuid          not null,
            replica_id       uuid          not null,
            number           bigint        not null,
            at               timestamptz   not null,
            ids              uuid[]        not null,
            user_ids         uuid[]        not null,
            conversation_ids uuid[]        not null,
            models           text[]        not null,
            providers        text[]        not null,
            input_tokens     bigint[]      not null,
            output_tokens    bigint[]      not null,
            costs_usd        numeric[]     not null,
            are_estimated    boolean[]     not null,
            outcomes         text[]        not null,
            ats              timestamptz[] not null,
            reservation_ids  uuid[]        not null,
            charges_usd      numeric[]     not null,
            months           date[]        not null,
            primary key (replica_id, number)
        ) with (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, vacuum_truncate = off);
        """;

    /// <summary>
    /// What the calls of a moment, which are in <c>usage</c>, take from which reservation; booked in <c>spending</c> soon after (docs/adr/0027).
    /// Rows come and go, so their room is taken again and never given back, which would need the table for itself.
    /// </summary>
    public const string JournalRows = """
        create table ai.journal_rows (
            organization_id uuid        not null,
            replica_id      uuid        not null,
            number          bigint      not null,
            at              timestamptz not null,
            reservation_ids uuid[]      not null,
            user_ids        uuid[]      not null,
            months          date[]      not null,
            charges_usd     numeric[]   not null,
            primary key (replica_id, number)
        ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, vacuum_truncate = off);
        """;
}
