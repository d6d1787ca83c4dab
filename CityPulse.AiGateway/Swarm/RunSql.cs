using System.Text.Json;
using CityPulse.AiGateway.Swarm.Domain;
using CityPulse.ServiceDefaults.Json;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.AiGateway.Swarm;

/// <summary>What the statements on runs have in common.</summary>
internal static class RunSql
{
    /// <summary>Its number comes from the run's row, whose lock keeps events in order.</summary>
    public static NpgsqlBatchCommand InsertEvent(Guid runId, Guid organizationId, long number, string type, DateTimeOffset at, object data) =>
        new("insert into ai.swarm_events (run_id, number, organization_id, type, at, data) values ($1, $2, $3, $4, $5, $6)")
        {
            Parameters = { Id(runId), Long(number), Id(organizationId), Text(type), Time(at), Json(data) },
        };

    /// <summary>The states that a trigger is possible in, as a list of SQL literals.</summary>
    public static string From(RunTrigger trigger) => string.Join(", ", RunLifecycle.From(trigger).Select(s => $"'{RunLifecycle.Name(s)}'"));

    /// <summary>A value as it stands in JSON, and so in the database.</summary>
    public static string Word<T>(T value) where T : struct, Enum => JsonSerializer.Serialize(value, JsonDefaults.Options).Trim('"');

    public static T Parse<T>(string word) where T : struct, Enum => JsonSerializer.Deserialize<T>($"\"{word}\"", JsonDefaults.Options);

    public static NpgsqlParameter<Guid> Id(Guid value) => new() { TypedValue = value };

    public static NpgsqlParameter<long> Long(long value) => new() { TypedValue = value };

    public static NpgsqlParameter<int> Int(int value) => new() { TypedValue = value };

    // U+0000 is a character of JSON strings, but none of Postgres text.
    public static NpgsqlParameter<string> Text(string value) => new() { TypedValue = Clean(value) };

    public static NpgsqlParameter<DateTime> Time(DateTimeOffset value) => new() { TypedValue = value.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    public static NpgsqlParameter Optional(object? value, NpgsqlDbType type) =>
        new() { Value = value is string text ? Clean(text) : value ?? DBNull.Value, NpgsqlDbType = type };

    public static NpgsqlParameter Json(object value) =>
        new() { Value = JsonSerializer.Serialize(value, JsonDefaults.Options), NpgsqlDbType = NpgsqlDbType.Json };

    public static T ReadJson<T>(this NpgsqlDataReader reader, int column) => JsonSerializer.Deserialize<T>(reader.GetString(column), JsonDefaults.Options)!;

    public static T? ReadOptional<T>(this NpgsqlDataReader reader, int column) where T : struct =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);

    public static string? ReadText(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static byte[]? ReadBytes(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);

    private static string Clean(string value) => value.Replace("\0", "", StringComparison.Ordinal);
}
