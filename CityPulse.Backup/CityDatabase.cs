using Npgsql;

namespace CityPulse.Backup;

/// <summary>What is asked of the database itself.</summary>
internal static class CityDatabase
{
    private const string OwnSchemas = @"n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'";

    public static async Task<NpgsqlConnection> OpenAsync(string connectionString, CancellationToken cancellationToken)
    {
        // Commands take as long as they take; the session is nobody else's afterwards.
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, CommandTimeout = 0, ApplicationName = "citypulse-backup" };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch (NpgsqlException e)
        {
            await connection.DisposeAsync();
            throw new BackupException($"The database {settings.Database} at {settings.Host}:{settings.Port} cannot be reached: {e.Message}");
        }
    }

    /// <summary>Rows of every table, as the connection's transaction sees them.</summary>
    public static async Task<List<TableRows>> CountAsync(this NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var names = await connection.ColumnAsync(
            $"""
            SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {OwnSchemas} ORDER BY 1
            """,
            cancellationToken);
        var tables = new List<TableRows>(names.Count);
        foreach (var name in names)
        {
            tables.Add(new TableRows(name, await connection.ScalarAsync<long>($"SELECT count(*) FROM ONLY {name}", cancellationToken)));
        }

        return tables;
    }

    /// <summary>Schemas and what is in them, other than PostgreSQL's own and an empty <c>public</c>.</summary>
    public static Task<List<string>> ContentsAsync(this NpgsqlConnection connection, CancellationToken cancellationToken) => connection.ColumnAsync(
        $"""
        SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OwnSchemas}
        UNION ALL
        SELECT format('%I.%I()', n.nspname, p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OwnSchemas}
        UNION ALL
        SELECT format('%I', n.nspname) FROM pg_namespace n WHERE {OwnSchemas} AND n.nspname <> 'public'
        ORDER BY 1
        """,
        cancellationToken);

    /// <summary>Deletes everything that is not PostgreSQL's own.</summary>
    public static async Task EmptyAsync(this NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var schemas = await connection.ColumnAsync($"SELECT format('%I', n.nspname) FROM pg_namespace n WHERE {OwnSchemas}", cancellationToken);
        await connection.ExecuteAsync(
            $"BEGIN; DROP SCHEMA {string.Join(", ", schemas)} CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC; COMMIT", cancellationToken);
    }

    /// <summary>Sessions of others on this database.</summary>
    public static Task<long> CountOtherSessionsAsync(this NpgsqlConnection connection, CancellationToken cancellationToken) => connection.ScalarAsync<long>(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        cancellationToken);

    public static async Task<string?> NewestMigrationAsync(this NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await connection.ScalarAsync<bool>("""SELECT to_regclass('public."__EFMigrationsHistory"') IS NOT NULL""", cancellationToken)
            ? await connection.ScalarAsync<string?>("""SELECT max(migration_id) FROM "__EFMigrationsHistory" """, cancellationToken)
            : null;

    public static async Task ExecuteAsync(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task<T> ScalarAsync<T>(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken) is T value ? value : default!;
    }

    private static async Task<List<string>> ColumnAsync(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var values = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            values.Add(reader.GetString(0));
        }

        return values;
    }
}
