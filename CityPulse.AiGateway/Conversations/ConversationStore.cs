using System.Text.Json;
using System.Text.RegularExpressions;
using CityPulse.AiGateway.Chat;
using CityPulse.ServiceDefaults.Json;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.AiGateway.Conversations;

/// <summary>A message as it was said.</summary>
internal sealed record StoredMessage(long Position, string Role, string Content, DateTimeOffset CreatedAt);

/// <param name="Summary">What was said before the messages, where that was too much to be kept in view.</param>
/// <param name="Messages">Oldest first.</param>
internal sealed record ConversationHistory(string? Summary, IReadOnlyList<StoredMessage> Messages)
{
    public static readonly ConversationHistory Empty = new(null, []);
}

/// <summary>Conversations in Postgres, so that any replica can go on with one. Everybody sees their own only; the organisation is told in front.</summary>
internal sealed partial class ConversationStore(TenantDatabase database)
{
    private const int TitleLength = 80;

    /// <summary>The newest messages that are in no summary, oldest first; null when the caller has no such conversation.</summary>
    public async Task<ConversationHistory?> HistoryAsync(Guid id, Caller caller, int count, CancellationToken cancellationToken)
    {
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                TenantSetting.Command(caller.OrganizationId),
                Own("select summary from ai.conversations where id = $1 and organization_id = $2 and user_id = $3", id, caller),
                Own($"""
                    select position, role, content, created_at from (
                        select m.position, m.role, m.content, m.created_at
                        from ai.messages m join ai.conversations c on c.id = m.conversation_id
                        where c.id = $1 and c.organization_id = $2 and c.user_id = $3 and m.position > coalesce(c.summary_until, 0)
                        order by m.position desc limit {count}) newest
                    order by position
                    """, id, caller),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var summary = await reader.IsDBNullAsync(0, cancellationToken) ? null : reader.GetString(0);
        await reader.NextResultAsync(cancellationToken);
        var messages = new List<StoredMessage>();
        while (await reader.ReadAsync(cancellationToken))
        {
            messages.Add(new StoredMessage(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3)));
        }

        return new ConversationHistory(summary, messages);
    }

    /// <summary>Keeps what stands for all messages up to one; of two at once the one that covers more stays.</summary>
    public async Task KeepSummaryAsync(Guid id, Caller caller, string summary, long until, CancellationToken cancellationToken)
    {
        var update = Own("""
            update ai.conversations set summary = $4, summary_until = $5
            where id = $1 and organization_id = $2 and user_id = $3 and coalesce(summary_until, 0) < $5
            """, id, caller);
        update.Parameters.Add(Text(summary));
        update.Parameters.Add(new NpgsqlParameter<long> { TypedValue = until });
        await using var batch = database.Requests.CreateBatch(caller.OrganizationId, update);
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Keeps a question with its answer, both or none.</summary>
    public async Task AppendAsync(ChatQuestion question, ChatAnswer answer, Caller caller, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction)
        {
            BatchCommands =
            {
                TenantSetting.Command(caller.OrganizationId),
                question.IsNew
                    ? new NpgsqlBatchCommand("""
                        insert into ai.conversations (id, organization_id, user_id, title, created_at, updated_at) values ($1, $2, $3, $4, $5, $6)
                        """)
                    {
                        Parameters = { Id(question.ConversationId), Id(caller.OrganizationId), Id(caller.UserId), Text(Title(question.Message)), Time(question.AskedAt), Time(now) },
                    }
                    : new NpgsqlBatchCommand("update ai.conversations set updated_at = $1 where id = $2 and organization_id = $3 and user_id = $4")
                    {
                        Parameters = { Time(now), Id(question.ConversationId), Id(caller.OrganizationId), Id(caller.UserId) },
                    },
                // A conversation that was deleted meanwhile takes nothing more; the answer is given all the same.
                new NpgsqlBatchCommand("""
                    insert into ai.messages (conversation_id, role, content, created_at) select id, 'user', $2, $3 from ai.conversations where id = $1
                    """)
                {
                    Parameters = { Id(question.ConversationId), Text(question.Message), Time(question.AskedAt) },
                },
                new NpgsqlBatchCommand("""
                    insert into ai.messages (conversation_id, role, content, created_at, model, input_tokens, output_tokens, cost_usd, finish_reason, tool_calls, evidence)
                    select id, 'assistant', $2, $3, $4, $5, $6, $7, $8, $9, $10 from ai.conversations where id = $1
                    """)
                {
                    Parameters =
                    {
                        Id(question.ConversationId), Text(answer.Message.Content), Time(now), Text(answer.Model),
                        new NpgsqlParameter<long> { TypedValue = answer.Usage.InputTokens }, new NpgsqlParameter<long> { TypedValue = answer.Usage.OutputTokens },
                        new NpgsqlParameter { Value = (object?)answer.Usage.CostUsd ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Numeric }, Text(answer.FinishReason),
                        Json(answer.ToolCalls), Json(new Evidence(answer.Citations, answer.UnverifiedNumbers)),
                    },
                },
            },
        };
        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>The caller's conversations, newest first, after the one that a page ended with.</summary>
    public async Task<List<ConversationItem>> ListAsync(Caller caller, Guid? after, int count, CancellationToken cancellationToken)
    {
        var select = new NpgsqlBatchCommand("""
            select id, title, created_at, updated_at from ai.conversations
            where organization_id = $1 and user_id = $2 and ($3::uuid is null or id < $3)
            order by id desc limit $4
            """)
        {
            Parameters =
            {
                Id(caller.OrganizationId), Id(caller.UserId), new NpgsqlParameter { Value = (object?)after ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid },
                new NpgsqlParameter<int> { TypedValue = count },
            },
        };
        await using var batch = database.Requests.CreateBatch(caller.OrganizationId, select);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var items = new List<ConversationItem>();
        while (await reader.ReadAsync(cancellationToken))
        {
            items.Add(ReadItem(reader));
        }

        return items;
    }

    public async Task<ConversationResponse?> FindAsync(Guid id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.Requests.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                TenantSetting.Command(caller.OrganizationId),
                Own("select id, title, created_at, updated_at from ai.conversations where id = $1 and organization_id = $2 and user_id = $3", id, caller),
                Own("""
                    select m.role, m.content, m.created_at, m.model, m.tool_calls, m.evidence
                    from ai.messages m join ai.conversations c on c.id = m.conversation_id
                    where c.id = $1 and c.organization_id = $2 and c.user_id = $3
                    order by m.position
                    """, id, caller),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var item = ReadItem(reader);
        await reader.NextResultAsync(cancellationToken);
        var messages = new List<ConversationMessage>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var evidence = await ReadJsonAsync<Evidence>(reader, 5, cancellationToken);
            messages.Add(new ConversationMessage(
                reader.GetString(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), await reader.IsDBNullAsync(3, cancellationToken) ? null : reader.GetString(3),
                await ReadJsonAsync<List<ToolCall>>(reader, 4, cancellationToken), evidence?.Citations, evidence?.UnverifiedNumbers));
        }

        return new ConversationResponse(item.Id, item.Title, item.CreatedAt, item.UpdatedAt, messages);
    }

    public async Task<bool> DeleteAsync(Guid id, Caller caller, CancellationToken cancellationToken)
    {
        await using var batch = database.Requests.CreateBatch(
            caller.OrganizationId, Own("delete from ai.conversations where id = $1 and organization_id = $2 and user_id = $3", id, caller));
        return await batch.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private static ConversationItem ReadItem(NpgsqlDataReader reader) =>
        new(reader.GetGuid(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetFieldValue<DateTimeOffset>(3));

    private static async Task<T?> ReadJsonAsync<T>(NpgsqlDataReader reader, int column, CancellationToken cancellationToken) where T : class =>
        await reader.IsDBNullAsync(column, cancellationToken) ? null : JsonSerializer.Deserialize<T>(reader.GetString(column), JsonDefaults.Options);

    private static NpgsqlBatchCommand Own(string sql, Guid id, Caller caller) =>
        new(sql) { Parameters = { Id(id), Id(caller.OrganizationId), Id(caller.UserId) } };

    private static string Title(string message)
    {
        var line = message.Trim().ReplaceLineEndings(" ");
        return line.Length <= TitleLength ? line : line[..(char.IsHighSurrogate(line[TitleLength - 2]) ? TitleLength - 2 : TitleLength - 1)] + "…";
    }

    // Nor can jsonb hold U+0000.
    private static NpgsqlParameter Json<T>(T value) =>
        new() { Value = Nul().Replace(JsonSerializer.Serialize(value, JsonDefaults.Options), "$1"), NpgsqlDbType = NpgsqlDbType.Jsonb };

    [GeneratedRegex(@"(?<!\\)((?:\\\\)*)\\u0000")]
    private static partial Regex Nul();

    private static NpgsqlParameter<Guid> Id(Guid value) => new() { TypedValue = value };

    // U+0000 is a character of JSON strings, but none of Postgres text.
    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value.Replace("\0", "", StringComparison.Ordinal) };

    private static NpgsqlParameter<DateTime> Time(DateTimeOffset value) => new() { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
