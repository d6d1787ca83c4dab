using System.Text.Json;
using CityPulse.Api.Data;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Events;

/// <summary>
/// Where a change says that it happened. A record is written in the change's own transaction and told to the world
/// after the commit, once and in order, by the dispatcher.
/// </summary>
internal sealed class Outbox(TimeProvider time, IOptions<JsonOptions> json)
{
    private const string Insert =
        "INSERT INTO outbox (organization_id, at, type, topics, data) VALUES ($1, $2, $3, $4, $5)";

    /// <summary>Adds a record to the next <c>SaveChanges</c> of <paramref name="db"/>: saved with it, in one transaction.</summary>
    /// <param name="data">The event's <c>data</c>, written as the API writes its answers.</param>
    public void Append<T>(CityDb db, Guid organizationId, string type, string[] topics, T data) =>
        db.Add(new OutboxMessage
        {
            OrganizationId = organizationId,
            At = time.GetUtcNow(),
            Type = type,
            Topics = topics,
            Data = JsonSerializer.SerializeToUtf8Bytes(data, json.Value.SerializerOptions),
        });

    /// <summary>Writes a record on an open connection, inside whatever transaction it is in.</summary>
    public async Task AppendAsync<T>(
        NpgsqlConnection connection, Guid organizationId, string type, string[] topics, T data, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Command(
            organizationId, type, topics, JsonSerializer.SerializeToUtf8Bytes(data, json.Value.SerializerOptions)));
        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The insert alone, to travel in a batch with other commands.</summary>
    /// <param name="data">UTF-8 JSON, or packed readings for <see cref="StreamRecord.ReadingsType"/>.</param>
    public NpgsqlBatchCommand Command(Guid organizationId, string type, string[] topics, ReadOnlyMemory<byte> data) =>
        new(Insert)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid> { TypedValue = organizationId, NpgsqlDbType = NpgsqlDbType.Uuid },
                new NpgsqlParameter<DateTimeOffset> { TypedValue = time.GetUtcNow(), NpgsqlDbType = NpgsqlDbType.TimestampTz },
                new NpgsqlParameter<string> { TypedValue = type, NpgsqlDbType = NpgsqlDbType.Text },
                new NpgsqlParameter<string[]> { TypedValue = topics, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = data, NpgsqlDbType = NpgsqlDbType.Bytea },
            },
        };
}
