using Npgsql;

namespace CityPulse.Tests.Support;

/// <summary>Every row of an organisation in every table that only calls change, as text, to see that nothing of it changed.</summary>
internal static class OrganizationDump
{
    /// <summary>What the service's own work changes at any time: places of events, states of evaluation, attempts to deliver.</summary>
    private static readonly string[] Work =
        ["outbox", "answer_versions", "alert_tracks", "alert_checkpoints", "alert_work", "alert_deliveries", "alert_delivery_attempts"];

    public static async Task<string> ReadAsync(string connectionString, Guid organizationId)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        var queries = (await source.ColumnAsync("""
            SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = 'organization_id' AND NOT a.attisdropped
            ORDER BY 1
            """))
            .Except(Work)
            .Select(table => $"SELECT '{table} ' || r::text AS line FROM {table} r WHERE organization_id = '{organizationId}'")
            .Append($"SELECT 'organizations ' || r::text FROM organizations r WHERE id = '{organizationId}'")
            .Append($"SELECT 'users ' || r::text FROM users r WHERE id IN (SELECT user_id FROM memberships WHERE organization_id = '{organizationId}')")
            .Append($"SELECT 'readings ' || r::text FROM readings r WHERE sensor_key IN (SELECT key FROM sensors WHERE organization_id = '{organizationId}')");
        return string.Join('\n', await source.ColumnAsync($"SELECT line FROM ({string.Join(" UNION ALL ", queries)}) all_rows ORDER BY line"));
    }

    /// <summary>The first column, as text.</summary>
    public static async Task<List<string>> ColumnAsync(this NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var values = new List<string>();
        while (await reader.ReadAsync())
        {
            values.Add(reader.GetString(0));
        }

        return values;
    }
}
