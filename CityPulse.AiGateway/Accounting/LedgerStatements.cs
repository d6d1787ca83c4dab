using CityPulse.AiGateway.Accounting.Domain;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.AiGateway.Accounting;

/// <summary>What the accounts are told, statement by statement. The texts stay the same, so that they are prepared once a session.</summary>
internal static class LedgerStatements
{
    /// <summary>The user id of an organisation's own row.</summary>
    public static readonly Guid Everybody = Guid.Empty;

    /// <summary>Writes a few bytes, since a commit that has written nothing flushes nothing.</summary>
    public const string Flush = "select pg_logical_emit_message(true, 'citypulse', '')";

    /// <summary>Plans know nothing of the values, which say nothing either, and are made once.</summary>
    public const string PlanOnce = "select set_config('plan_cache_mode', 'force_generic_plan', false)";

    private const string Organization = "select set_config('citypulse.organization', $1, false)";

    /// <summary>
    /// The transaction's commit does not wait for the disk: the database has it then, and the log of a database is flushed in its order, so
    /// that whatever is there after a fall is all there was up to some commit.
    /// </summary>
    private const string DoNotWait = ", set_config('synchronous_commit', 'off', true)";

    private const string Alone = ", pg_advisory_xact_lock(hashtextextended($1, 1095320658))";

    /// <summary>Whose rows are seen from here on. Its result is no concern of ours.</summary>
    /// <param name="alone">One at a time for each organisation until the transaction ends: its rows belong together.</param>
    public static NpgsqlBatchCommand Of(Guid organizationId, bool alone, bool waits) => new((alone, waits) switch
    {
        (false, false) => Organization + DoNotWait,
        (false, true) => Organization,
        (true, false) => Organization + DoNotWait + Alone,
        (true, true) => Organization + Alone,
    })
    {
        Parameters = { Text($"{organizationId:D}") },
    };

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
    /// Books what calls of a purse cost and sets its reservation anew: to what it keeps, what the first of the waiting calls need for whom
    /// there is room in both rows, and some to spare where there is plenty. Gives what it holds now, what is left besides, how many of the
    /// waiting calls it is for, and whether the organisation's row was too small for the next.
    /// </summary>
    public static NpgsqlBatchCommand Settle(HeldPurse purse, PurseWish wish, decimal chargeUsd, decimal[] waitingUsd, DateTimeOffset expiresAt) => new("""
        with held as (select coalesce((select amount_usd from ai.reservations where id = $1 and organization_id = $2), 0) as amount_usd),
        rooms as (
            select s.user_id,
                   coalesce(case when s.user_id = $3 then $6::numeric else $5::numeric end, 'Infinity') - s.spent_usd - s.reserved_usd - $7 + held.amount_usd - $8 as usd
            from ai.spending s, held where s.organization_id = $2 and s.user_id in ($3, $4) and s.month = $9),
        room as (select min(usd) as usd, min(usd) filter (where user_id = $4) as organizations from rooms),
        waiting as (select w.place, sum(w.amount) over (order by w.place) - $10 as usd from unnest($11) with ordinality w(amount, place)),
        fitting as (
            select room.usd, room.organizations, count(waiting.place) as calls, greatest(0, coalesce(max(waiting.usd), 0)) as needed
            from room left join waiting on waiting.usd <= greatest(room.usd, 0) group by 1, 2),
        granted as (
            select calls, usd, needed + least($12, trunc(greatest(0, usd - needed) / $13, 6)) as more,
                   coalesce((select w.usd > fitting.organizations from waiting w where w.place = calls + 1), false) as is_organizations
            from fitting),
        kept as (
            insert into ai.reservations (id, organization_id, user_id, month, amount_usd, expires_at)
            select $1, $2, $3, $9, $8 + more, $14 from granted where $8 + more > 0
            on conflict (id) do update set amount_usd = excluded.amount_usd, expires_at = excluded.expires_at),
        given_back as (delete from ai.reservations where id = $1 and organization_id = $2 and (select $8 + more from granted) = 0),
        booked as (
            update ai.spending s set spent_usd = s.spent_usd + $7, reserved_usd = s.reserved_usd + $8 + granted.more - held.amount_usd
            from granted, held where s.organization_id = $2 and s.user_id in ($3, $4) and s.month = $9)
        select $8 + more, trunc(usd - more, 6), calls, is_organizations from granted
        """)
    {
        Parameters =
        {
            Id(purse.ReservationId), Id(purse.Key.OrganizationId), Id(purse.Key.UserId), Id(Everybody), Money(purse.OrganizationLimitUsd), Money(purse.UserLimitUsd),
            Money(chargeUsd), Money(wish.KeptUsd), Month(purse.Key.Month), Money(wish.LeftUsd),
            new NpgsqlParameter<decimal[]> { TypedValue = waitingUsd }, Money(wish.SpareUsd), Money(Purse.SpareShare), Time(expiresAt),
        },
    };

    /// <summary>Books what calls of a purse cost out of what stands for it, which is still enough for what it holds.</summary>
    public static NpgsqlBatchCommand Charge(HeldPurse purse, decimal chargeUsd) => new("""
        with taken as (update ai.reservations set amount_usd = amount_usd - $1 where id = $2 and organization_id = $3 returning id)
        update ai.spending set spent_usd = spent_usd + $1, reserved_usd = reserved_usd - case when exists (select from taken) then $1 else 0 end
        where organization_id = $3 and user_id in ($4, $5) and month = $6
        """)
    {
        Parameters =
        {
            Money(chargeUsd), Id(purse.ReservationId), Id(purse.Key.OrganizationId), Id(purse.Key.UserId), Id(Everybody), Month(purse.Key.Month),
        },
    };

    public static NpgsqlBatchCommand Add(List<SettledCall> calls) => Of("""
        insert into ai.usage (id, organization_id, user_id, conversation_id, model, provider, input_tokens, output_tokens, cost_usd, is_estimated, outcome, at)
        select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """, calls);

    /// <summary>Adds those of an organisation's calls that are not there, and books what only they cost.</summary>
    public static NpgsqlBatchCommand AddMissing(Guid organizationId, List<SettledCall> calls) => Of("""
        with told as (
            select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) t(
                id, organization_id, user_id, conversation_id, model, provider, input_tokens, output_tokens, cost_usd, is_estimated, outcome, at, charge_usd, month)),
        added as (
            insert into ai.usage (id, organization_id, user_id, conversation_id, model, provider, input_tokens, output_tokens, cost_usd, is_estimated, outcome, at)
            select id, organization_id, user_id, conversation_id, model, provider, input_tokens, output_tokens, cost_usd, is_estimated, outcome, at from told
            on conflict (id) do nothing returning id),
        owed as (
            select o.user_id, t.month, sum(t.charge_usd) as amount_usd
            from told t join added using (id) cross join lateral (values (t.user_id), ($15)) o(user_id) group by o.user_id, t.month)
        update ai.spending s set spent_usd = s.spent_usd + owed.amount_usd
        from owed where s.organization_id = $16 and s.user_id = owed.user_id and s.month = owed.month
        """, calls, Of(calls, c => c.ChargeUsd), Of(calls, c => c.Purse?.Key.Month ?? BudgetMonth.Of(c.At)), Id(Everybody), Id(organizationId));

    private static NpgsqlBatchCommand Of(string text, List<SettledCall> calls, params ReadOnlySpan<NpgsqlParameter> more)
    {
        var command = new NpgsqlBatchCommand(text)
        {
            Parameters =
            {
                Of(calls, c => c.Id), Of(calls, c => c.OrganizationId), Of(calls, c => c.Account.UserId), Of(calls, c => c.Account.ConversationId),
                Of(calls, c => c.Model.Id), Of(calls, c => c.Model.Provider), Of(calls, c => c.Call.InputTokens), Of(calls, c => c.Call.OutputTokens),
                Of(calls, c => c.Call.CostUsd), Of(calls, c => c.Call.IsEstimated), Of(calls, c => c.Call.Outcome), Of(calls, c => c.At.UtcDateTime, NpgsqlDbType.TimestampTz),
            },
        };
        foreach (var parameter in more)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static NpgsqlParameter<T[]> Of<T>(List<SettledCall> calls, Func<SettledCall, T> member, NpgsqlDbType? type = null)
    {
        var values = new T[calls.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = member(calls[i]);
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
