using Npgsql;

namespace CityPulse.ServiceDefaults.Tenancy;

/// <summary>
/// The second wall between organisations: row-level security on every table with an <c>organization_id</c>, and two login roles that it
/// binds. Built after the migrations, at every start, from the catalog itself: a new table is walled without a word, and one without an
/// organisation is closed until it is listed. What stands already is left alone, so that a start takes no lock of a busy table.
/// </summary>
public static class TenantWall
{
    private const string OrganizationColumn = "organization_id";
    private const string RequestsPolicy = "own_rows";
    private const string WorkPolicy = "all_rows";

    private sealed record Found(string Name, bool HasOrganization, bool IsWalled);

    /// <param name="tables">The tables without an organisation.</param>
    /// <exception cref="TenantWallException">The roles cannot be made, or would not be bound.</exception>
    public static async Task BuildAsync(TenantDatabase database, string schema, IReadOnlyCollection<TenantTable> tables, CancellationToken cancellationToken)
    {
        await using var owner = await database.Owner.OpenConnectionAsync(cancellationToken);
        await TenantRoles.EnsureAsync(owner, database.RequestsLogin, cancellationToken);
        await TenantRoles.EnsureAsync(owner, database.WorkLogin, cancellationToken);

        // All or nothing: a table is never open between two steps.
        await using var transaction = await owner.BeginTransactionAsync(cancellationToken);
        var (requests, work) = (database.RequestsLogin.Role, database.WorkLogin.Role);
        foreach (var role in (string[])[requests, work])
        {
            await owner.RunAsync($"""
                DO $$ BEGIN
                    IF NOT has_schema_privilege('{TenantRoles.Escape(role)}', '{schema}', 'USAGE') THEN
                        GRANT USAGE ON SCHEMA {schema} TO {TenantRoles.Quote(role)};
                    END IF;
                END $$
                """, cancellationToken);
        }

        foreach (var table in await FindAsync(owner, schema, cancellationToken))
        {
            var rule = table.HasOrganization
                ? new TenantTable(table.Name, TableUse.Both, "Its rows name their organisation.", $"{OrganizationColumn} = {TenantSetting.Organization}")
                : tables.FirstOrDefault(t => t.Name == table.Name) ?? new TenantTable(table.Name, TableUse.None, "Nobody has said anything about it.");
            var name = $"{schema}.{TenantRoles.Quote(table.Name)}";
            await WallAsync(owner, name, table, rule, requests, work, cancellationToken);
            await GrantAsync(owner, name, requests, rule.Use.HasFlag(TableUse.Requests), cancellationToken);
            await GrantAsync(owner, name, work, rule.Use.HasFlag(TableUse.Work), cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task WallAsync(
        NpgsqlConnection owner, string table, Found found, TenantTable rule, string requests, string work, CancellationToken cancellationToken)
    {
        if (rule.RowsOfRequests is not { } visible)
        {
            return;
        }

        await PolicyAsync(owner, table, RequestsPolicy, requests, $"USING ({visible}) WITH CHECK ({rule.NewRowsOfRequests ?? visible})", cancellationToken);
        await PolicyAsync(owner, table, WorkPolicy, work, "USING (true) WITH CHECK (true)", cancellationToken);
        if (!found.IsWalled)
        {
            await owner.RunAsync($"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", cancellationToken);
        }
    }

    /// <summary>The policy's own comment says what it was made from, so that only a changed one is made anew.</summary>
    private static async Task PolicyAsync(NpgsqlConnection owner, string table, string name, string role, string rows, CancellationToken cancellationToken)
    {
        var definition = $"TO {TenantRoles.Quote(role)} {rows}";
        await using (var command = new NpgsqlCommand(
            "SELECT obj_description(oid, 'pg_policy') FROM pg_policy WHERE polrelid = $1::regclass AND polname = $2", owner))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            if (await command.ExecuteScalarAsync(cancellationToken) as string == definition)
            {
                return;
            }
        }

        await owner.RunAsync($"""
            DROP POLICY IF EXISTS {name} ON {table};
            CREATE POLICY {name} ON {table} {definition};
            COMMENT ON POLICY {name} ON {table} IS '{TenantRoles.Escape(definition)}'
            """, cancellationToken);
    }

    private static async Task GrantAsync(NpgsqlConnection owner, string table, string role, bool allowed, CancellationToken cancellationToken)
    {
        const string rights = "SELECT, INSERT, UPDATE, DELETE";
        await using var command = new NpgsqlCommand(
            allowed
                ? $"SELECT has_table_privilege($1, $2, 'SELECT') AND has_table_privilege($1, $2, 'INSERT') AND has_table_privilege($1, $2, 'UPDATE') AND has_table_privilege($1, $2, 'DELETE')"
                : $"SELECT NOT has_table_privilege($1, $2, '{rights}')",
            owner);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = role });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
        if (await command.ExecuteScalarAsync(cancellationToken) is not true)
        {
            await owner.RunAsync(
                allowed ? $"GRANT {rights} ON {table} TO {TenantRoles.Quote(role)}" : $"REVOKE ALL ON {table} FROM {TenantRoles.Quote(role)}", cancellationToken);
        }
    }

    /// <summary>Partitions are left out: they are reached through their table, whose rules hold, and are granted to nobody.</summary>
    private static async Task<List<Found>> FindAsync(NpgsqlConnection owner, string schema, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT c.relname, c.relrowsecurity,
                   EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = '{OrganizationColumn}' AND NOT a.attisdropped)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            ORDER BY c.relname
            """,
            owner);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = schema });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<Found>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(new Found(reader.GetString(0), reader.GetBoolean(2), reader.GetBoolean(1)));
        }

        return found;
    }
}
