using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>Who does what: a worker takes due deliveries by a lease, whoever else is looking at the same time.</summary>
internal sealed class DeliveryClaims(NpgsqlDataSource source)
{
    internal readonly record struct Claim(Guid Id, Guid OrganizationId, Guid ChannelId);

    /// <param name="busy">Channels that have enough to do: a receiver that hangs must not keep the others waiting.</param>
    public async Task<List<Claim>> TakeAsync(
        Guid lease, DateTimeOffset now, DateTimeOffset until, Guid[] busy, int perChannel, int most, CancellationToken cancellationToken)
    {
        // What is due is asked again under the lock: another worker may have taken it meanwhile.
        await using var command = source.CreateCommand("""
            WITH due AS (
                SELECT id, row_number() OVER (PARTITION BY channel_id ORDER BY next_attempt_at, id) AS place
                FROM alert_deliveries WHERE status = 'pending' AND next_attempt_at <= $1 AND channel_id <> ALL ($4)
            ), mine AS (
                SELECT d.id FROM alert_deliveries d JOIN due ON due.id = d.id
                WHERE due.place <= $5 AND d.status = 'pending' AND d.next_attempt_at <= $1
                ORDER BY d.next_attempt_at, d.id LIMIT $6 FOR UPDATE OF d SKIP LOCKED
            )
            UPDATE alert_deliveries d SET lease = $2, next_attempt_at = $3 FROM mine WHERE d.id = mine.id
            RETURNING d.id, d.organization_id, d.channel_id
            """);
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = lease });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = until });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = busy, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = perChannel });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var claims = new List<Claim>();
        while (await reader.ReadAsync(cancellationToken))
        {
            claims.Add(new Claim(reader.GetGuid(0), reader.GetGuid(1), reader.GetGuid(2)));
        }

        return claims;
    }

    /// <summary>Forgets what was finished before a time.</summary>
    public async Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("DELETE FROM alert_deliveries WHERE finished_at < $1");
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = before });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
