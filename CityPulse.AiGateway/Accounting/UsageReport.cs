using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.AiGateway.Accounting;

/// <summary>What the accounts say afterwards.</summary>
internal sealed class UsageReport(TenantDatabase database)
{
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

    private static NpgsqlParameter<Guid> Id(Guid value) => new() { TypedValue = value };

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset value) => new() { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
