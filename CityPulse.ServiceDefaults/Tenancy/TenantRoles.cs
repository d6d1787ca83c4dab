using System.Security.Cryptography;
using Npgsql;

namespace CityPulse.ServiceDefaults.Tenancy;

/// <summary>Sees to it that a login role exists, takes its password, and cannot climb over the wall.</summary>
internal static class TenantRoles
{
    private const string Mark = "CityPulse makes this role at start and sets its password.";

    public static async Task EnsureAsync(NpgsqlConnection owner, TenantLogin login, CancellationToken cancellationToken)
    {
        // Asked of the catalog first: a login of a role that is not there yet would stand in PostgreSQL's log as an attack.
        var isThere = login.IsGiven || (await FindMarkAsync(owner, login.Role, cancellationToken)).Exists;
        if (!isThere || !await CanLogInAsync(login, cancellationToken))
        {
            await MakeAsync(owner, login, cancellationToken);
        }

        await RefuseClimbersAsync(owner, login, cancellationToken);
    }

    /// <summary>Looks before it writes: at most starts everything is there, and nothing of the cluster is touched.</summary>
    private static async Task<bool> CanLogInAsync(TenantLogin login, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(login.Connection.ConnectionString) { Pooling = false }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (PostgresException e) when (!login.IsGiven && e.SqlState
            is PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InsufficientPrivilege)
        {
            return false;
        }
    }

    private static async Task MakeAsync(NpgsqlConnection owner, TenantLogin login, CancellationToken cancellationToken)
    {
        var (role, password) = (Quote(login.Role), Verifier(login.Connection.Password!));
        try
        {
            switch (await FindMarkAsync(owner, login.Role, cancellationToken))
            {
                case (false, _):
                    await owner.RunAsync($"CREATE ROLE {role} LOGIN PASSWORD '{password}'; COMMENT ON ROLE {role} IS '{Mark}'", cancellationToken);
                    break;
                case (true, Mark):
                    await owner.RunAsync($"ALTER ROLE {role} LOGIN PASSWORD '{password}'", cancellationToken);
                    break;
                default:
                    throw new TenantWallException(
                        $"The database has a role '{login.Role}' that CityPulse did not make, so its password is left alone. "
                        + "Rename it, or give ConnectionStrings:citydb-app and ConnectionStrings:citydb-worker.");
            }

            await owner.RunAsync($"""
                DO $$ BEGIN
                    IF NOT has_database_privilege('{Escape(login.Role)}', current_database(), 'CONNECT') THEN
                        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), '{Escape(login.Role)}');
                    END IF;
                END $$
                """, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new TenantWallException(
                $"The user of ConnectionStrings:citydb may not make the login role '{login.Role}' ({e.MessageText}). Let it (ALTER ROLE … CREATEROLE), "
                + "or make two login roles yourself, one for requests and one for background work, and give ConnectionStrings:citydb-app and ConnectionStrings:citydb-worker.");
        }
    }

    private static async Task<(bool Exists, string? Mark)> FindMarkAsync(NpgsqlConnection owner, string role, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1", owner)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = role } },
        };
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? (true, await row.IsDBNullAsync(0, cancellationToken) ? null : row.GetString(0))
            : (false, null);
    }

    /// <summary>A superuser, a role that bypasses row-level security and the owner of the tables all see every row.</summary>
    private static async Task RefuseClimbersAsync(NpgsqlConnection owner, TenantLogin login, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT bool_or(rolsuper OR rolbypassrls OR rolname = current_user) FROM pg_roles WHERE pg_has_role($1, oid, 'MEMBER')", owner)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = login.Role } },
        };
        if (await command.ExecuteScalarAsync(cancellationToken) is not false)
        {
            throw new TenantWallException(
                $"The database role '{login.Role}' is, or may become, the owner of the tables or a role that row-level security does not bind. "
                + "Give ConnectionStrings:citydb-app and ConnectionStrings:citydb-worker logins of their own.");
        }
    }

    /// <summary>What Postgres stores of a password (RFC 5803), so that the password itself is never sent and never in its log.</summary>
    private static string Verifier(string password)
    {
        const int iterations = 4096;
        var salt = RandomNumberGenerator.GetBytes(16);
        var salted = Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, outputLength: 32);
        var stored = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var server = HMACSHA256.HashData(salted, "Server Key"u8);
        return $"SCRAM-SHA-256${iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(stored)}:{Convert.ToBase64String(server)}";
    }

    internal static string Quote(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    internal static string Escape(string literal) => literal.Replace("'", "''", StringComparison.Ordinal);

    internal static async Task RunAsync(this NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
