using CityPulse.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Events;

/// <summary>The outbox as a log: gives records their places, reads them in order, and forgets old ones.</summary>
internal static class OutboxLog
{
    private const int PlaceAtOnce = 1000;
    private const int PruneAtOnce = 500;

    /// <summary>The last place given, and the last known to have been told.</summary>
    internal readonly record struct Head(long LastPosition, long PublishedPosition);

    public static async Task<Head> ReadHeadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT last_position, published_position FROM outbox_head", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new Head(reader.GetInt64(0), reader.GetInt64(1))
            : throw new InvalidOperationException("The outbox has lost its head: the table outbox_head is empty.");
    }

    public static async Task<bool> HasUnplacedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM outbox WHERE position IS NULL)", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>
    /// Gives the committed records that have no place yet the next ones, in the order of their ids, without a gap. The head's
    /// row is locked first, and the statement after it sees all that an earlier dispatcher may have done.
    /// </summary>
    /// <returns>The last place given now or ever.</returns>
    public static async Task<long> PlaceAsync(NpgsqlConnection connection, long published, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT last_position FROM outbox_head FOR UPDATE"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"""
            WITH fresh AS (
                SELECT id, row_number() OVER (ORDER BY id) AS place
                FROM (SELECT id FROM outbox WHERE position IS NULL ORDER BY id LIMIT {PlaceAtOnce}) f),
            placed AS (
                UPDATE outbox o SET position = h.last_position + fresh.place
                FROM fresh, outbox_head h WHERE o.id = fresh.id RETURNING 1)
            UPDATE outbox_head
            SET last_position = last_position + (SELECT count(*) FROM placed), published_position = greatest(published_position, $1)
            RETURNING last_position
            """)
        {
            Parameters = { Position(published) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetInt64(0);
    }

    /// <summary>Notes how far has been told, for whoever dispatches next. Losing the note costs a repetition, nothing else.</summary>
    public static async Task NotePublishedAsync(NpgsqlConnection connection, long published, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SET LOCAL synchronous_commit = off"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("UPDATE outbox_head SET published_position = greatest(published_position, $1)")
        {
            Parameters = { Position(published) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The records after a place, in order; of one organisation if asked for.</summary>
    public static async IAsyncEnumerable<StreamRecord> ReadAsync(
        NpgsqlConnection connection, long after, int limit, Guid? organizationId,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT position, organization_id, at, type, topics, data FROM outbox
            WHERE position > $1 {(organizationId is null ? "" : "AND organization_id = $3")}
            ORDER BY position LIMIT $2
            """,
            connection)
        {
            Parameters = { Position(after), new NpgsqlParameter<int> { TypedValue = limit } },
        };
        if (organizationId is { } organization)
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = organization });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            // Places have no gaps, so the one before is the one before.
            var position = reader.GetInt64(0);
            yield return new StreamRecord(
                position, position - 1, reader.GetGuid(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetString(3),
                reader.GetFieldValue<string[]>(4), reader.GetFieldValue<byte[]>(5));
        }
    }

    /// <summary>The oldest place kept (one past the last when none is) and the last place given.</summary>
    public static async Task<(long Oldest, long Last)> ReadBoundsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT coalesce((SELECT position FROM outbox WHERE position IS NOT NULL ORDER BY position LIMIT 1), h.last_position + 1), h.last_position
            FROM outbox_head h
            """,
            connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>Deletes records older than <paramref name="before"/>, the oldest places first, some at a time.</summary>
    public static async Task PruneAsync(NpgsqlConnection connection, DateTimeOffset before, CancellationToken cancellationToken)
    {
        int deleted;
        do
        {
            await using var command = new NpgsqlCommand(
                $"""
                DELETE FROM outbox WHERE position IN (
                    SELECT position FROM (
                        SELECT position, at FROM outbox WHERE position IS NOT NULL ORDER BY position LIMIT {PruneAtOnce}) oldest
                    WHERE at < $1)
                """,
                connection)
            {
                Parameters = { new NpgsqlParameter<DateTimeOffset> { TypedValue = before, NpgsqlDbType = NpgsqlDbType.TimestampTz } },
            };
            deleted = await command.ExecuteNonQueryAsync(cancellationToken);
        }
        while (deleted == PruneAtOnce);
    }

    private static NpgsqlParameter<long> Position(long position) => new() { TypedValue = position, NpgsqlDbType = NpgsqlDbType.Bigint };
}
