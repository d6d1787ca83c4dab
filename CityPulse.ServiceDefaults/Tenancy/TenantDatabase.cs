using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace CityPulse.ServiceDefaults.Tenancy;

/// <summary>How a service logs in to its database.</summary>
public sealed class TenantDatabaseOptions
{
    /// <summary>The owner of the tables.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>The role of requests, where an administrator made it; else it is made and its password derived.</summary>
    public string? RequestsConnectionString { get; set; }

    /// <summary>The role of background work, likewise.</summary>
    public string? WorkConnectionString { get; set; }

    /// <summary>What passwords of roles that are made are derived from.</summary>
    public string? Secret { get; set; }

    public bool HasLogins => !string.IsNullOrWhiteSpace(RequestsConnectionString) && !string.IsNullOrWhiteSpace(WorkConnectionString);
}

/// <summary>
/// One database under three roles. The <see cref="Owner"/> migrates and makes tables; <see cref="Requests"/> sees the rows of the
/// organisation that its session names and nothing else; <see cref="Work"/> crosses organisations and may still not change tables.
/// </summary>
public sealed class TenantDatabase : IAsyncDisposable
{
    /// <summary>Migrations, partitions, and whoever waits for both at once: never more than this many sessions.</summary>
    private const int OwnerPoolSize = 4;

    /// <summary>Elected workers hold a session each for as long as they are in office; others must still find one.</summary>
    private const int LeastWorkPoolSize = 8;

    private TenantDatabase(NpgsqlDataSource owner, TenantLogin requests, TenantLogin work, NpgsqlDataSource requestsSource, NpgsqlDataSource workSource)
    {
        (Owner, Requests, Work) = (owner, requestsSource, workSource);
        (RequestsLogin, WorkLogin) = (requests, work);
    }

    public NpgsqlDataSource Owner { get; }

    public NpgsqlDataSource Requests { get; }

    public NpgsqlDataSource Work { get; }

    internal TenantLogin RequestsLogin { get; }

    internal TenantLogin WorkLogin { get; }

    /// <param name="part">Tells services apart that share a database: becomes part of the roles' names.</param>
    public static TenantDatabase Create(TenantDatabaseOptions options, string part, ILoggerFactory logging)
    {
        var owner = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        var requests = Login(options.RequestsConnectionString, $"{part}app", leastSessions: 1);
        var work = Login(options.WorkConnectionString, $"{part}worker", LeastWorkPoolSize);
        return new TenantDatabase(
            Source(With(owner, b => (b.MinPoolSize, b.MaxPoolSize) = (0, Math.Min(b.MaxPoolSize, OwnerPoolSize))), "owner"),
            requests, work, Source(requests.Connection, "app"), Source(work.Connection, "worker"));

        TenantLogin Login(string? given, string suffix, int leastSessions)
        {
            if (!string.IsNullOrWhiteSpace(given))
            {
                return new TenantLogin(new NpgsqlConnectionStringBuilder(given), IsGiven: true);
            }

            // Roles belong to the whole cluster, so the database is part of the name. The pool is shared half and half.
            var name = RoleName(owner.Database ?? owner.Username ?? "", suffix);
            var password = Password(options.Secret ?? throw new InvalidOperationException("The roles' passwords have nothing to be derived from."), name);
            return new TenantLogin(
                With(owner, b => (b.Username, b.Password, b.MinPoolSize, b.MaxPoolSize) = (name, password, 0, Math.Max(leastSessions, b.MaxPoolSize / 2))), IsGiven: false);
        }

        NpgsqlDataSource Source(NpgsqlConnectionStringBuilder connection, string name)
        {
            // A session that is not reset would keep its organisation for whoever gets it next.
            connection.NoResetOnClose = false;
            var builder = new NpgsqlDataSourceBuilder(connection.ConnectionString) { Name = $"{connection.Database}-{name}" };
            return builder.UseLoggerFactory(logging).Build();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Owner.DisposeAsync();
        await Requests.DisposeAsync();
        await Work.DisposeAsync();
    }

    /// <summary><c>citypulse_citydb_app</c>; a long database name is cut and told apart by a hash, since Postgres keeps 63 bytes.</summary>
    internal static string RoleName(string database, string suffix)
    {
        const int longest = 63;
        var name = $"citypulse_{database}_{suffix}";
        if (Encoding.UTF8.GetByteCount(name) <= longest)
        {
            return name;
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(database)))[..16];
        return $"citypulse_{hash}_{suffix}";
    }

    internal static string Password(string secret, string role) => Convert.ToHexStringLower(HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret.Trim()), outputLength: 32, info: Encoding.UTF8.GetBytes($"citypulse database role {role}")));

    private static NpgsqlConnectionStringBuilder With(NpgsqlConnectionStringBuilder connection, Action<NpgsqlConnectionStringBuilder> change)
    {
        var changed = new NpgsqlConnectionStringBuilder(connection.ConnectionString);
        change(changed);
        return changed;
    }
}

/// <summary>A role and how it logs in.</summary>
internal sealed record TenantLogin(NpgsqlConnectionStringBuilder Connection, bool IsGiven)
{
    public string Role => Connection.Username ?? "";
}
