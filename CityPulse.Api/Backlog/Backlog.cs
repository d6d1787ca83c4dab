using Npgsql;

namespace CityPulse.Api.Backlog;

/// <summary>One kind of work that waits: how much of it, and since when the oldest.</summary>
internal readonly record struct Waiting(long Count, double OldestSeconds);

/// <summary>What has been committed and is still to be done, of the whole city: only numbers leave here.</summary>
internal sealed record Backlog(Waiting Outbox, Waiting Rollups, Waiting Alerts, Waiting Deliveries)
{
    // Ages by the database's clock, the one that all replicas share. Each part reads an index, or a table that is short while all is well.
    private const string Sql = """
        SELECT w.count, greatest(0, coalesce(extract(epoch FROM clock_timestamp() - w.oldest), 0))::double precision
        FROM (
            SELECT 1 AS place, (SELECT count(*) FROM outbox WHERE position IS NULL) + greatest(0, last_position - published_position) AS count, least(
                (SELECT at FROM outbox WHERE position IS NULL ORDER BY id LIMIT 1),
                (SELECT at FROM outbox WHERE position > published_position ORDER BY position LIMIT 1)) AS oldest
            FROM outbox_head
            UNION ALL SELECT 2, count(*), min(dirty_at) FROM rollup_dirty
            UNION ALL SELECT 3, count(*), min(queued_at) FROM alert_work
            UNION ALL SELECT 4, count(*), min(next_attempt_at) FROM alert_deliveries WHERE status = 'pending' AND next_attempt_at <= clock_timestamp()
        ) w
        ORDER BY w.place
        """;

    public static async Task<Backlog> ReadAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var waiting = new List<Waiting>();
        while (await reader.ReadAsync(cancellationToken))
        {
            waiting.Add(new Waiting(reader.GetInt64(0), reader.GetDouble(1)));
        }

        return waiting is [var outbox, var rollups, var alerts, var deliveries]
            ? new Backlog(outbox, rollups, alerts, deliveries)
            : throw new InvalidOperationException("The outbox has lost its head: the table outbox_head is empty.");
    }
}
