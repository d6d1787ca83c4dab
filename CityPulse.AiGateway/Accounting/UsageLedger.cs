using CityPulse.AiGateway.Accounting.Domain;
using CityPulse.AiGateway.Models;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// Accounts in Postgres, shared by all replicas: money is set aside before a call and settled after it, together with the row that says
/// what the call used.
/// </summary>
internal sealed class UsageLedger(TenantDatabase database, IOptions<AiOptions> options, UsageMetrics metrics, TimeProvider time)
{
    /// <summary>The user id of an organisation's own row.</summary>
    private static readonly Guid Everybody = Guid.Empty;

    private readonly BudgetOptions _budgets = options.Value.Budgets;

    /// <summary>Sets aside what a call may cost; null where no budget applies.</summary>
    /// <exception cref="BudgetExhaustedException">There is not so much left.</exception>
    public async Task<Reservation?> ReserveAsync(CallAccount account, ModelInfo model, long inputTokens, int? outputTokens, CancellationToken cancellationToken)
    {
        var most = outputTokens ?? _budgets.ReservedOutputTokens;
        var amount = Charge(model, inputTokens, most);
        var (organizationLimit, userLimit) = (_budgets.OrganizationLimit(account.OrganizationId), _budgets.UserMonthlyUsd);
        if (amount == 0 || (organizationLimit is null && userLimit is null))
        {
            return null;
        }

        var now = time.GetUtcNow();
        var reservation = new Reservation(Guid.CreateVersion7(now), BudgetMonth.Of(now), most);
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        // A batch is one transaction in one round trip.
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                TenantSetting.Command(account.OrganizationId),
                Lock(account),
                GiveBackExpired(account, now),
                OpenMonth(account, reservation.Month, now),
                // One statement decides: both rows have room, or none is touched.
                new NpgsqlBatchCommand("""
                    with room as (
                        select s.user_id, s.spent_usd + s.reserved_usd + $4 <= coalesce(case when s.user_id = $2 then $6::numeric else $5::numeric end, 'Infinity') as fits
                        from ai.spending s where s.organization_id = $1 and s.user_id in ($2, $3) and s.month = $7),
                    taken as (
                        update ai.spending s set reserved_usd = reserved_usd + $4 from room
                        where s.organization_id = $1 and s.user_id = room.user_id and s.month = $7 and (select bool_and(fits) from room)
                        returning 1),
                    kept as (
                        insert into ai.reservations (id, organization_id, user_id, month, amount_usd, expires_at)
                        select $8, $1, $2, $7, $4, $9 where exists (select from taken))
                    select (select bool_and(fits) from room), (select bool_and(fits) from room where user_id = $3)
                    """)
                {
                    Parameters =
                    {
                        Id(account.OrganizationId), Id(account.UserId), Id(Everybody), Money(amount), Money(organizationLimit), Money(userLimit),
                        Month(reservation.Month), Id(reservation.Id), Time(now.AddMinutes(_budgets.ReservationMinutes)),
                    },
                },
            },
        };
        bool fits, organizationFits;
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            (fits, organizationFits) = (reader.GetBoolean(0), reader.GetBoolean(1));
        }

        return fits ? reservation : throw new BudgetExhaustedException(!organizationFits, BudgetMonth.End(now));
    }

    /// <summary>Counts that a model did not answer and another was asked.</summary>
    public void CountFallback(string reason) => metrics.FellBack(reason);

    /// <summary>Writes what a call used, and takes it from the budget instead of what was set aside.</summary>
    public async Task SettleAsync(CallAccount account, CallRecord call, Reservation? reservation)
    {
        metrics.Count(call);
        var now = time.GetUtcNow();
        await using var connection = await database.Requests.OpenConnectionAsync(CancellationToken.None);
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { TenantSetting.Command(account.OrganizationId) } };
        if (reservation is not null)
        {
            batch.BatchCommands.Add(Lock(account));
            batch.BatchCommands.Add(new NpgsqlBatchCommand("""
                with released as (delete from ai.reservations where id = $1 and organization_id = $2 returning amount_usd)
                update ai.spending set reserved_usd = reserved_usd - coalesce((select amount_usd from released), 0), spent_usd = spent_usd + $3
                where organization_id = $2 and user_id in ($4, $5) and month = $6
                """)
            {
                Parameters =
                {
                    Id(reservation.Id), Id(account.OrganizationId), Money(call.CostUsd ?? Charge(call.Model, call.InputTokens, call.OutputTokens)),
                    Id(account.UserId), Id(Everybody), Month(reservation.Month),
                },
            });
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            insert into ai.usage (id, organization_id, user_id, conversation_id, model, provider, input_tokens, output_tokens, cost_usd, is_estimated, outcome, at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """)
        {
            Parameters =
            {
                Id(Guid.CreateVersion7(now)), Id(account.OrganizationId), Id(account.UserId),
                new NpgsqlParameter { Value = (object?)account.ConversationId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid },
                Text(call.Model.Id), Text(call.Model.Provider), Count(call.InputTokens), Count(call.OutputTokens), Money(call.CostUsd),
                new NpgsqlParameter<bool> { TypedValue = call.IsEstimated }, Text(call.Outcome), Time(now),
            },
        });
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>Tokens and money by day, model and user; of one user, or of the whole organisation.</summary>
    public async Task<List<UsageItem>> ReadAsync(Guid organizationId, Guid? userId, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        var select = new NpgsqlBatchCommand("""
            select (at at time zone 'UTC')::date as day, model, user_id, count(*), sum(input_tokens)::bigint, sum(output_tokens)::bigint,
                   sum(cost_usd), bool_or(cost_usd is null)
            from ai.usage
            where organization_id = $1 and ($2::uuid is null or user_id = $2) and at >= $3 and at < $4
            group by day, model, user_id
            order by day, model, user_id
            """)
        {
            Parameters =
            {
                Id(organizationId), new NpgsqlParameter { Value = (object?)userId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }, Time(from), Time(to),
            },
        };
        await using var batch = database.Requests.CreateBatch(organizationId, select);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var items = new List<UsageItem>();
        while (await reader.ReadAsync(cancellationToken))
        {
            items.Add(new UsageItem(
                reader.GetFieldValue<DateOnly>(0), reader.GetString(1), reader.GetGuid(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5),
                await reader.IsDBNullAsync(6, cancellationToken) ? null : reader.GetDecimal(6), reader.GetBoolean(7)));
        }

        return items;
    }

    /// <summary>What tokens count for in a budget, also where their price is unknown.</summary>
    private decimal Charge(ModelInfo model, long inputTokens, long outputTokens) =>
        ((inputTokens * (model.InputPricePerMTok ?? _budgets.AssumedPricePerMTok)) + (outputTokens * (model.OutputPricePerMTok ?? _budgets.AssumedPricePerMTok))) / 1_000_000m;

    /// <summary>One at a time for each organisation, until the transaction ends: the rows below belong together.</summary>
    private static NpgsqlBatchCommand Lock(CallAccount account) =>
        new("select pg_advisory_xact_lock(hashtextextended($1::text, 1095320658))") { Parameters = { Id(account.OrganizationId) } };

    private static NpgsqlBatchCommand GiveBackExpired(CallAccount account, DateTimeOffset now) => new("""
        with expired as (delete from ai.reservations where organization_id = $1 and expires_at <= $2 returning user_id, month, amount_usd),
        owed as (
            select o.user_id, e.month, sum(e.amount_usd) as amount_usd
            from expired e cross join lateral (values (e.user_id), ($3)) o(user_id) group by o.user_id, e.month)
        update ai.spending s set reserved_usd = s.reserved_usd - owed.amount_usd
        from owed where s.organization_id = $1 and s.user_id = owed.user_id and s.month = owed.month
        """)
    {
        Parameters = { Id(account.OrganizationId), Time(now), Id(Everybody) },
    };

    /// <summary>The month's first reservation begins with what was used before there were budgets.</summary>
    private static NpgsqlBatchCommand OpenMonth(CallAccount account, DateOnly month, DateTimeOffset now) => new("""
        insert into ai.spending (organization_id, user_id, month, spent_usd, reserved_usd)
        select $1, o.user_id, $4,
               (select coalesce(sum(u.cost_usd), 0) from ai.usage u
                where u.organization_id = $1 and (o.user_id = $3 or u.user_id = o.user_id) and u.at >= $5 and u.at < $6), 0
        from (values ($2), ($3)) o(user_id)
        where not exists (select from ai.spending s where s.organization_id = $1 and s.user_id = o.user_id and s.month = $4)
        on conflict do nothing
        """)
    {
        Parameters =
        {
            Id(account.OrganizationId), Id(account.UserId), Id(Everybody), Month(month),
            Time(new DateTimeOffset(month, TimeOnly.MinValue, TimeSpan.Zero)), Time(BudgetMonth.End(now)),
        },
    };

    private static NpgsqlParameter<Guid> Id(Guid value) => new() { TypedValue = value };

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value };

    private static NpgsqlParameter<long> Count(long value) => new() { TypedValue = value };

    private static NpgsqlParameter<DateOnly> Month(DateOnly value) => new() { TypedValue = value };

    private static NpgsqlParameter Money(decimal? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Numeric };

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset value) => new() { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
