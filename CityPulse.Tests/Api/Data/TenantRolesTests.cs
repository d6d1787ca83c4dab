using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Tenancy;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

/// <summary>The login roles of run time: who makes them, and what happens where that cannot be.</summary>
public sealed class TenantRolesTests(TestStores stores)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_plain_owner_that_may_create_roles_is_enough()
    {
        var owner = await PlainOwnerAsync("CREATEROLE");
        await using var app = await TenancyFixture.StartAsync(owner.ConnectionString, TimeProvider.System);
        var database = app.Services.GetRequiredService<TenantDatabase>();
        await using var session = await database.Requests.OpenConnectionAsync(Cancel);
        (await session.ReadAsync<string>("SELECT current_user::text")).ShouldBe($"citypulse_{owner.Database}_app");
        (await session.ReadAsync<bool>("SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user")).ShouldBeFalse();
    }

    [Fact]
    public async Task An_owner_that_may_not_create_roles_stops_the_start_and_says_what_to_do()
    {
        var owner = await PlainOwnerAsync("NOCREATEROLE");
        await using var app = TenancyFixture.Build(owner.ConnectionString, TimeProvider.System);
        var refusal = await Should.ThrowAsync<TenantWallException>(() => MigrateAsync(app));
        refusal.Message.ShouldContain("CREATEROLE");
        refusal.Message.ShouldContain("ConnectionStrings:citydb-app");
    }

    [Fact]
    public async Task Given_logins_are_used_as_they_are()
    {
        var owner = await PlainOwnerAsync("NOCREATEROLE");
        await AdministerAsync(owner, $"CREATE ROLE {owner.Username}_app LOGIN PASSWORD 'a'; CREATE ROLE {owner.Username}_worker LOGIN PASSWORD 'w'");
        await using var app = TenancyFixture.Build(owner.ConnectionString, TimeProvider.System, Logins(owner, $"{owner.Username}_app", "a", $"{owner.Username}_worker", "w"));
        await MigrateAsync(app);
        await using var session = await app.Services.GetRequiredService<TenantDatabase>().Requests.OpenConnectionAsync(Cancel);
        (await session.ReadAsync<string>("SELECT current_user::text")).ShouldBe($"{owner.Username}_app");
        (await session.ReadAsync<long>("SELECT count(*) FROM buildings")).ShouldBe(0);
    }

    [Theory]
    [InlineData("SUPERUSER")]
    [InlineData("BYPASSRLS")]
    [InlineData("the owner")]
    [InlineData("a member of the owner")]
    public async Task A_login_that_the_wall_does_not_bind_is_refused(string kind)
    {
        var owner = await PlainOwnerAsync("CREATEROLE");
        var role = $"{owner.Username}_app";
        await AdministerAsync(owner, $"CREATE ROLE {role} LOGIN PASSWORD 'a' {(kind.Contains("owner", StringComparison.Ordinal) ? "" : kind)}");
        if (kind == "a member of the owner")
        {
            await AdministerAsync(owner, $"GRANT {owner.Username} TO {role}");
        }

        var (login, password) = kind == "the owner" ? (owner.Username!, owner.Password!) : (role, "a");
        await using var app = TenancyFixture.Build(owner.ConnectionString, TimeProvider.System, Logins(owner, login, password, login, password));
        (await Should.ThrowAsync<TenantWallException>(() => MigrateAsync(app))).Message.ShouldContain(login);
    }

    [Fact]
    public async Task A_role_of_that_name_that_somebody_else_made_keeps_its_password()
    {
        var owner = new NpgsqlConnectionStringBuilder(await stores.CreateDatabaseAsync());
        await AdministerAsync(owner, $"CREATE ROLE citypulse_{owner.Database}_app LOGIN PASSWORD 'theirs'");
        await using var app = TenancyFixture.Build(owner.ConnectionString, TimeProvider.System);
        (await Should.ThrowAsync<TenantWallException>(() => MigrateAsync(app))).Message.ShouldContain("did not make");
        await using var theirs = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Username = $"citypulse_{owner.Database}_app", Password = "theirs" }.ConnectionString);
        await theirs.OpenAsync(Cancel);
    }

    [Fact]
    public async Task Another_key_gives_the_roles_another_password_at_the_next_start()
    {
        var database = await stores.CreateDatabaseAsync();
        await using (var before = await TenancyFixture.StartAsync(database, TimeProvider.System))
        {
        }

        await using var app = TenancyFixture.Build(database, TimeProvider.System, new() { ["Auth:KeyEncryptionKey"] = Convert.ToBase64String([.. Enumerable.Repeat((byte)7, 32)]) });
        await MigrateAsync(app);
        await using var session = await app.Services.GetRequiredService<TenantDatabase>().Requests.OpenConnectionAsync(Cancel);
    }

    [Fact]
    public void Names_tell_databases_apart_and_fit()
    {
        TenantDatabase.RoleName("citydb", "app").ShouldBe("citypulse_citydb_app");
        var (one, other) = (TenantDatabase.RoleName(new string('a', 63), "worker"), TenantDatabase.RoleName(new string('a', 62) + "b", "worker"));
        one.Length.ShouldBeLessThanOrEqualTo(63);
        one.ShouldNotBe(other);
        TenantDatabase.Password("secret", "a").ShouldNotBe(TenantDatabase.Password("secret", "b"));
        TenantDatabase.Password("secret", "a").ShouldNotBe(TenantDatabase.Password("other", "a"));
    }

    [Fact]
    public async Task A_session_is_reset_even_where_the_connection_string_says_otherwise()
    {
        var options = new TenantDatabaseOptions { ConnectionString = $"{await stores.CreateDatabaseAsync()};No Reset On Close=true", Secret = "s" };
        await using var database = TenantDatabase.Create(options, "", NullLoggerFactory.Instance);
        database.Requests.ConnectionString.ShouldNotContain("No Reset On Close=True", Case.Insensitive);
    }

    /// <summary>A database whose owner is nobody special.</summary>
    private async Task<NpgsqlConnectionStringBuilder> PlainOwnerAsync(string attribute)
    {
        var administrator = new NpgsqlConnectionStringBuilder(await stores.CreateDatabaseAsync());
        var role = $"owner_of_{administrator.Database}";
        await AdministerAsync(administrator, $"CREATE ROLE {role} LOGIN PASSWORD 'o' {attribute}; ALTER DATABASE {administrator.Database} OWNER TO {role}");
        return new NpgsqlConnectionStringBuilder(administrator.ConnectionString) { Username = role, Password = "o" };
    }

    private static async Task AdministerAsync(NpgsqlConnectionStringBuilder database, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = "postgres", Password = "test", Pooling = false }.ConnectionString);
        await connection.OpenAsync(Cancel);
        await connection.RunAsync(sql);
    }

    private static Dictionary<string, string?> Logins(NpgsqlConnectionStringBuilder owner, string app, string appPassword, string worker, string workerPassword) => new()
    {
        ["ConnectionStrings:citydb-app"] = new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Username = app, Password = appPassword }.ConnectionString,
        ["ConnectionStrings:citydb-worker"] = new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Username = worker, Password = workerPassword }.ConnectionString,
    };

    /// <summary>What the service does at start; a refusal that would end the process is thrown.</summary>
    private static async Task MigrateAsync(WebApplication app)
    {
        var migration = app.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<DatabaseMigration>().Single();
        await migration.StartAsync(Cancel);
        await migration.ExecuteTask!;
    }
}
