using CityPulse.AiGateway.Accounting.Domain;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.AiGateway.Accounting;

/// <summary>What the accounts are told, statement by statement. The texts stay the same, so that they are prepared once a session.</summary>
internal static class LedgerStatements
{
    /// <summary>The user id of an organisation's own row.</summary>
    public static readonly Guid Everybody = Guid.Empty;

    /// <summary>Plans know nothing of the values, which say nothing either, and are made once.</summary>
    public const string PlanOnce = "select set_config('plan_cache_mode', 'force_generic_plan', false)";

    /// <summary>
    /// Commits of the session do not wait for the disk: the database has them then, and the log of a database is flushed in its order, so
    /// that whatever is there after a fall is all there was up to some commit.
    /// </summary>
    public const string DoNotWait = $"{PlanOnce}, set_config('synchronous_commit', 'off', false)";

    private const string UsageColumns =
        "id, user_id, conversation_id, model, provider, input_tokens, output_tokens, cost_usd, is_estimated, outcome, at";

    private const string ChargeColumns = "reservation_ids, user_ids, months, charges_usd";

    /// <summary>
    /// What was <c>charged</c> to the organisation $1 is booked: out of the reservation that stands for it, where there still is one.
    /// </summary>
    private const string Owed = """
        taken as (
            update ai.reservations r set amount_usd = r.amount_usd - c.usd from charged c
            where r.id = c.reservation_id and r.organization_id = $1 returning r.id),
        owed as (
            select o.user_id, c.month, sum(c.usd) as usd, coalesce(sum(c.usd) filter (where c.reservation_id in (select id from taken)), 0) as reserved_usd
            from charged c cross join lateral (values (c.user_id), ('00000000-0000-0000-0000-000000000000'::uuid)) o(user_id) group by 1, 2)
        """;

    /// <summary>What is in <c>rows</c> of the journal.</summary>
    private const string Charged = $"""
        charged as (
            select c.reservation_id, c.user_id, c.month, sum(c.usd) as usd
            from rows cross join lateral unnest({ChargeColumns}) c(reservation_id, user_id, month, usd) group by 1, 2, 3)
        """;

    /// <summary>Adds the <c>calls</c> that are not there to the usage of the organisation $1, and books what only they cost.</summary>
    private const string Booked = $"""
        added as (
            insert into ai.usage (organization_id, {UsageColumns})
            select $1, {UsageColumns} from calls
            where (select u.id from ai.usage u where u.id = calls.id) is null returning id),
        charged as (
            select reservation_id, user_id, month, sum(charge_usd) as usd from calls join added using (id) where charge_usd > 0 group by 1, 2, 3),
        {Owed}
        """;

    private const string Spending = """
        update ai.spending s set spent_usd = s.spent_usd + owed.usd, reserved_usd = s.reserved_usd - owed.reserved_usd
        from owed where s.organization_id = $1 and s.user_id = owed.user_id and s.month = owed.month
        """;

    /// <summary>Whose rows are seen from here on. Its result is no concern of ours.</summary>
    public static NpgsqlBatchCommand Of(Guid organizationId) => new("select set_config('citypulse.organization', $1, false)")
    {
        Parameters = { Text($"{organizationId:D}") },
    };

    /// <summary>The same, one at a time for each organisation until the transaction ends: its rows belong together.</summary>
    public static NpgsqlBatchCommand Alone(Guid organizationId) => new(
        "select set_config('citypulse.organization', $1, false), pg_advisory_xact_lock(hashtextextended($1, 1095320658))")
    {
        Parameters = { Text($"{organizationId:D}") },
    };

    /// <summary>Calls that are over, and a row of the journal for what they cost.</summary>
    /// <param name="isAgain">They may be there already, all of them and their row, which may be posted too.</param>
    public static NpgsqlBatchCommand Tell(Guid replicaId, JournalRow<SettledCall> row, bool isAgain)
    {
        var command = With(new NpgsqlBatchCommand($"""
            with added as (
                insert into ai.usage (organization_id, {UsageColumns})
                select $1, c.* from unnest($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) c{(isAgain ? " on conflict (id) do nothing returning id" : "")})
            insert into ai.journal_rows (organization_id, replica_id, number, at, {ChargeColumns})
            select $1, $2, $3, $4, $16, $17, $18, $19{(isAgain ? " where exists (select from added) on conflict do nothing" : "")}
            """)
        {
            Parameters = { Id(row.OrganizationId), Id(replicaId), new NpgsqlParameter<long> { TypedValue = row.Number }, Time(row.At) },
        }, row.Calls);
        var charges = row.Calls.Where(c => c.ChargeUsd > 0).GroupBy(c => c.Purse!, (purse, calls) => (Purse: purse, Usd: calls.Sum(c => c.ChargeUsd))).ToArray();
        command.Parameters.Add(Of(charges, c => c.Purse.ReservationId));
        command.Parameters.Add(Of(charges, c => c.Purse.Key.UserId));
        command.Parameters.Add(Of(charges, c => c.Purse.Key.Month));
        command.Parameters.Add(Of(charges, c => c.Usd));
        return command;
    }

    /// <summary>Takes rows of a replica out of the journal and books what is in them; gives their numbers.</summary>
    public static NpgsqlBatchCommand Post(Guid organizationId, Guid replicaId, long from, long upTo) => new($"""
        with rows as (
            delete from ai.journal_rows where organization_id = $1 and replica_id = $2 and number between $3 and $4 returning number, {ChargeColumns}),
        {Charged},
        {Owed},
        booked as ({Spending})
        select number from rows
        """)
    {
        Parameters = { Id(organizationId), Id(replicaId), new NpgsqlParameter<long> { TypedValue = from }, new NpgsqlParameter<long> { TypedValue = upTo } },
    };

    /// <summary>The same with rows of whichever replica that are older.</summary>
    public static NpgsqlBatchCommand PostOlder(Guid organizationId, DateTimeOffset than) => new($"""
        with rows as (delete from ai.journal_rows where organization_id = $1 and at < $2 returning {ChargeColumns}),
        {Charged},
        {Owed}
        {Spending}
        """)
    {
        Parameters = { Id(organizationId), Time(than) },
    };

    /// <summary>The same with what a replica of the version before left: it had the calls themselves in its journal.</summary>
    public static NpgsqlBatchCommand PostOlderCalls(Guid organizationId, DateTimeOffset than) => new($"""
        with rows as (delete from ai.journal where organization_id = $1 and at < $2 returning *),
        calls as (
            select c.* from rows j cross join lateral unnest(
                j.ids, j.user_ids, j.conversation_ids, j.models, j.providers, j.input_tokens, j.output_tokens, j.costs_usd, j.are_estimated, j.outcomes, j.ats,
                j.reservation_ids, j.charges_usd, j.months) c({UsageColumns}, reservation_id, charge_usd, month)),
        {Booked}
        {Spending}
        """)
    {
        Parameters = { Id(organizationId), Time(than) },
    };

    /// <summary>Adds calls and books them at once, those that are not there yet.</summary>
    public static NpgsqlBatchCommand Book(Guid organizationId, IReadOnlyList<SettledCall> calls)
    {
        var command = With(new NpgsqlBatchCommand($"""
            with calls as (
                select * from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) c({UsageColumns}, reservation_id, charge_usd, month)),
            {Booked}
            {Spending}
            """)
        {
            Parameters = { Id(organizationId) },
        }, calls);
        command.Parameters.Add(Of(calls, c => c.Purse?.ReservationId));
        command.Parameters.Add(Of(calls, c => c.ChargeUsd));
        command.Parameters.Add(Of(calls, c => c.Purse?.Key.Month));
        return command;
    }

    public static NpgsqlBatchCommand GiveBackExpired(Guid organizationId, DateTimeOffset now) => new("""
        with expired as (delete from ai.reservations where organization_id = $1 and expires_at <= $2 returning user_id, month, amount_usd),
        owed as (
            select o.user_id, e.month, sum(e.amount_usd) as amount_usd
            from expired e cross join lateral (values (e.user_id), ($3)) o(user_id) group by o.user_id, e.month)
        update ai.spending s set reserved_usd = s.reserved_usd - owed.amount_usd
        from owed where s.organization_id = $1 and s.user_id = owed.user_id and s.month = owed.month
        """)
    {
        Parameters = { Id(organizationId), Time(now), Id(Everybody) },
    };

    /// <summary>The month's first reservation begins with what was used before there were budgets.</summary>
    public static NpgsqlBatchCommand OpenMonth(PurseKey key)
    {
        var start = new DateTimeOffset(key.Month, TimeOnly.MinValue, TimeSpan.Zero);
        return new NpgsqlBatchCommand("""
            insert into ai.spending (organization_id, user_id, month, spent_usd, reserved_usd)
            select $1, o.user_id, $4,
                   (select coalesce(sum(u.cost_usd), 0) from ai.usage u
                    where u.organization_id = $1 and (o.user_id = $3 or u.user_id = o.user_id) and u.at >= $5 and u.at < $6), 0
            from (values ($2), ($3)) o(user_id)
            where not exists (select from ai.spending s where s.organization_id = $1 and s.user_id = o.user_id and s.month = $4)
            on conflict do nothing
            """)
        {
            Parameters = { Id(key.OrganizationId), Id(key.UserId), Id(Everybody), Month(key.Month), Time(start), Time(BudgetMonth.End(start)) },
        };
    }

    /// <summary>
    /// Sets the reservation of a purse anew: to what it keeps, what the first of the waiting calls need for whom there is room in both rows,
    /// and some to spare where there is plenty. Gives what it holds now, what is left besides, how many of the waiting calls it is for, and
    /// whether the organisation's row was too small for the next.
    /// </summary>
    public static NpgsqlBatchCommand Settle(HeldPurse purse, PurseWish wish, decimal[] waitingUsd, DateTimeOffset expiresAt) => new("""
        with held as (select coalesce((select amount_usd from ai.reservations where id = $1 and organization_id = $2), 0) as amount_usd),
        rooms as (
            select s.user_id,
                   coalesce(case when s.user_id = $3 then $6::numeric else $5::numeric end, 'Infinity') - s.spent_usd - s.reserved_usd + held.amount_usd - $7 as usd
            from ai.spending s, held where s.organization_id = $2 and s.user_id in ($3, $4) and s.month = $8),
        room as (select min(usd) as usd, min(usd) filter (where user_id = $4) as organizations from rooms),
        waiting as (select w.place, sum(w.amount) over (order by w.place) - $9 as usd from unnest($10) with ordinality w(amount, place)),
        fitting as (
            select room.usd, room.organizations, count(waiting.place) as calls, greatest(0, coalesce(max(waiting.usd), 0)) as needed
            from room left join waiting on waiting.usd <= greatest(room.usd, 0) group by 1, 2),
        granted as (
            select calls, usd, needed + least($11, trunc(greatest(0, usd - needed) / $12, 6)) as more,
                   coalesce((select w.usd > fitting.organizations from waiting w where w.place = calls + 1), false) as is_organizations
            from fitting),
        kept as (
            insert into ai.reservations (id, organization_id, user_id, month, amount_usd, expires_at)
            select $1, $2, $3, $8, $7 + more, $13 from granted where $7 + more > 0
            on conflict (id) do update set amount_usd = excluded.amount_usd, expires_at = excluded.expires_at),
        given_back as (delete from ai.reservations where id = $1 and organization_id = $2 and (select $7 + more from granted) = 0),
        booked as (
            update ai.spending s set reserved_usd = s.reserved_usd + $7 + granted.more - held.amount_usd
            from granted, held where s.organization_id = $2 and s.user_id in ($3, $4) and s.month = $8)
        select $7 + more, trunc(usd - more, 6), calls, is_organizations from granted
        """)
    {
        Parameters =
        {
            Id(purse.ReservationId), Id(purse.Key.OrganizationId), Id(purse.Key.UserId), Id(Everybody), Money(purse.OrganizationLimitUsd), Money(purse.UserLimitUsd),
            Money(wish.KeptUsd), Month(purse.Key.Month), Money(wish.LeftUsd),
            new NpgsqlParameter<decimal[]> { TypedValue = waitingUsd }, Money(wish.SpareUsd), Money(Purse.SpareShare), Time(expiresAt),
        },
    };

    /// <summary>The columns of <see cref="UsageColumns"/>, one array each.</summary>
    private static NpgsqlBatchCommand With(NpgsqlBatchCommand command, IReadOnlyList<SettledCall> calls)
    {
        NpgsqlParameter[] columns =
        [
            Of(calls, c => c.Id), Of(calls, c => c.Account.UserId), Of(calls, c => c.Account.ConversationId), Of(calls, c => c.Model.Id),
            Of(calls, c => c.Model.Provider), Of(calls, c => c.Call.InputTokens), Of(calls, c => c.Call.OutputTokens), Of(calls, c => c.Call.CostUsd),
            Of(calls, c => c.Call.IsEstimated), Of(calls, c => c.Call.Outcome), Of(calls, c => c.At.UtcDateTime, NpgsqlDbType.TimestampTz),
        ];
        foreach (var column in columns)
        {
            command.Parameters.Add(column);
        }

        return command;
    }

    private static NpgsqlParameter<T[]> Of<TItem, T>(IReadOnlyList<TItem> items, Func<TItem, T> member, NpgsqlDbType? type = null)
    {
        var values = new T[items.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = member(items[i]);
        }

        return type is { } known
            ? new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | known }
            : new NpgsqlParameter<T[]> { TypedValue = values };
    }

    private static NpgsqlParameter<Guid> Id(Guid value) => new() { TypedValue = value };

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value };

    private static NpgsqlParameter<DateOnly> Month(DateOnly value) => new() { TypedValue = value };

    private static NpgsqlParameter Money(decimal? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Numeric };

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset value) => new() { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
