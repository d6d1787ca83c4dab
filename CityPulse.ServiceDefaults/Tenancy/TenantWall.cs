using System.Globalization;
using System.Text;
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
    private const string Rights = "SELECT, INSERT, UPDATE, DELETE";

    /// <param name="RequestsPolicy">What the policy was made from; null where there is none.</param>
    private sealed record Found(string Name, bool HasOrganization, bool IsWalled, string? RequestsPolicy, string? WorkPolicy, Granted Requests, Granted Work);

    private sealed record Granted(bool All, bool Any);

    /// <param name="tables">The tables without an organisation.</param>
    /// <exception cref="TenantWallException">The roles cannot be made, or would not be bound.</exception>
    public static async Task BuildAsync(TenantDatabase database, string schema, IReadOnlyCollection<TenantTable> tables, CancellationToken cancellationToken)
    {
        await using var owner = await database.Owner.OpenConnectionAsync(cancellationToken);
        await TenantRoles.EnsureAsync(owner, database.RequestsLogin, cancellationToken);
        await TenantRoles.EnsureAsync(owner, database.WorkLogin, cancellationToken);

        // All or nothing: a table is never open between two steps. And one question and one list of changes, however many tables there are.
        await using var transaction = await owner.BeginTransactionAsync(cancellationToken);
        var (requests, work) = (database.RequestsLogin.Role, database.WorkLogin.Role);
        var changes = new StringBuilder();
        foreach (var role in (string[])[requests, work])
        {
            changes.Append(CultureInfo.InvariantCulture, $"""
                DO $$ BEGIN
                    IF NOT has_schema_privilege('{TenantRoles.Escape(role)}', '{schema}', 'USAGE') THEN
                        GRANT USAGE ON SCHEMA {schema} TO {TenantRoles.Quote(role)};
                    END IF;
                END $$;

                """);
        }

        foreach (var table in await FindAsync(owner, schema, requests, work, cancellationToken))
        {
            var rule = table.HasOrganization
                ? new TenantTable(table.Name, TableUse.Both, "Its rows name their organisation.", $"{OrganizationColumn} = {TenantSetting.Organization}")
                : tables.FirstOrDefault(t => t.Name == table.Name) ?? new TenantTable(table.Name, TableUse.None, "Nobody has said anything about it.");
            var name = $"{schema}.{TenantRoles.Quote(table.Name)}";
            Wall(changes, name, table, rule, requests, work);
            Grant(changes, name, requests, table.Requests, rule.Use.HasFlag(TableUse.Requests));
            Grant(changes, name, work, table.Work, rule.Use.HasFlag(TableUse.Work));
        }

        await owner.RunAsync(changes.ToString(), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static void Wall(StringBuilder changes, string table, Found found, TenantTable rule, string requests, string work)
    {
        if (rule.RowsOfRequests is not { } visible)
        {
            return;
        }

        Policy(changes, table, RequestsPolicy, found.RequestsPolicy, $"TO {TenantRoles.Quote(requests)} USING ({visible}) WITH CHECK ({rule.NewRowsOfRequests ?? visible})");
        Policy(changes, table, WorkPolicy, found.WorkPolicy, $"TO {TenantRoles.Quote(work)} USING (true) WITH CHECK (true)");
        if (!found.IsWalled)
        {
            changes.Append(CultureInfo.InvariantCulture, $"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;\n");
        }
    }

    /// <summary>The policy's own comment says what it was made from, so that only a changed one is made anew.</summary>
    private static void Policy(StringBuilder changes, string table, string name, string? found, string definition)
    {
        if (found != definition)
        {
            changes.Append(CultureInfo.InvariantCulture, $"""
                DROP POLICY IF EXISTS {name} ON {table};
                CREATE POLICY {name} ON {table} {definition};
                COMMENT ON POLICY {name} ON {table} IS '{TenantRoles.Escape(definition)}';

                """);
        }
    }

    private static void Grant(StringBuilder changes, string table, string role, Granted granted, bool allowed)
    {
        if (allowed ? !granted.All : granted.Any)
        {
            var change = allowed ? $"GRANT {Rights} ON {table} TO" : $"REVOKE ALL ON {table} FROM";
            changes.Append(CultureInfo.InvariantCulture, $"{change} {TenantRoles.Quote(role)};\n");
        }
    }

    /// <summary>Partitions are left out: they are reached through their table, whose rules hold, and are granted to nobody.</summary>
    private static async Task<List<Found>> FindAsync(NpgsqlConnection owner, string schema, string requests, string work, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT c.relname, c.relrowsecurity,
                   EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = '{OrganizationColumn}' AND NOT a.attisdropped),
                   (SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = '{RequestsPolicy}'),
                   (SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = '{WorkPolicy}'),
                   {All("$2")}, {Any("$2")}, {All("$3")}, {Any("$3")}
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            ORDER BY c.relname
            """,
            owner);
        foreach (var parameter in (string[])[schema, requests, work])
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = parameter });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<Found>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(new Found(
                reader.GetString(0), reader.GetBoolean(2), reader.GetBoolean(1), Text(3), Text(4),
                new Granted(reader.GetBoolean(5), reader.GetBoolean(6)), new Granted(reader.GetBoolean(7), reader.GetBoolean(8))));
        }

        return found;

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

        // A list of rights asks for any of them.
        static string Any(string role) => $"has_table_privilege({role}, c.oid, '{Rights}')";

        static string All(string role) => string.Join(" AND ", Rights.Split(", ").Select(right => $"has_table_privilege({role}, c.oid, '{right}')"));
    }
}
