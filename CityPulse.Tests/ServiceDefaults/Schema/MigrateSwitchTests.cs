using System.Net;
using CityPulse.Api.Data;
using CityPulse.Tests.AiGateway;
using CityPulse.Tests.Api.Data;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Schema;

/// <summary>The programs with <c>--migrate</c>, as a Job runs them, and the services that wait for it.</summary>
public sealed class MigrateSwitchTests(TestStores stores)
{
    private const string AtStart = "Migrations:AtStart";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("CityPulse.Api", """SELECT count(*) FROM "__EFMigrationsHistory" """)]
    [InlineData("CityPulse.AiGateway", "SELECT count(*) FROM ai.schema_versions")]
    public async Task It_brings_the_database_up_to_date_and_ends_and_a_second_time_does_no_harm(string project, string versions)
    {
        var database = await stores.CreateDatabaseAsync();
        for (var time = 0; time < 2; time++)
        {
            var (exitCode, output, errors) = await RunAsync(database, project);
            exitCode.ShouldBe(0, output + errors);
            output.ShouldContain("The database is up to date.");
            output.ShouldNotContain("Now listening");
        }

        await using var source = NpgsqlDataSource.Create(database);
        await using var count = source.CreateCommand(versions);
        ((long)(await count.ExecuteScalarAsync(Cancel))!).ShouldBeGreaterThan(1);
        // The wall stands too: requests would find their role.
        await using var roles = source.CreateCommand("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'citypulse_' || current_database() || '%'");
        ((long)(await roles.ExecuteScalarAsync(Cancel))!).ShouldBe(2);
    }

    [Fact]
    public async Task It_fails_at_once_where_there_is_no_database_and_tells_why_without_the_password()
    {
        var (exitCode, output, errors) = await RunAsync($"Host=127.0.0.1;Port={TestStores.FreePort()};Username=postgres;Password=hidden-password;Database=citydb");
        exitCode.ShouldBe(1, output + errors);
        output.ShouldContain("The database could not be migrated.");
        (output + errors).ShouldNotContain("hidden-password");
    }

    [Fact]
    public async Task What_would_stop_the_service_stops_its_migration_by_the_same_sentence()
    {
        var (exitCode, output, errors) = await RunAsync("Host=127.0.0.1", keyEncryptionKey: "short");
        exitCode.ShouldNotBe(0);
        (output + errors).ShouldContain("Auth:KeyEncryptionKey must be");
    }

    [Fact]
    public async Task Where_migrations_at_start_are_switched_off_the_Api_makes_no_table_and_waits_for_them()
    {
        var database = await stores.CreateDatabaseAsync();
        await using var waiting = TenancyFixture.Build(database, TimeProvider.System, new() { [AtStart] = "false" });
        await waiting.StartAsync(Cancel);
        var ready = waiting.Services.GetRequiredService<DatabaseReady>();
        await Eventually.TrueAsync(
            async () => (await ready.CheckHealthAsync(new(), Cancel)).Description!.Contains("--migrate", StringComparison.Ordinal), "it says what it waits for");
        (await CountTablesAsync(database)).ShouldBe(0);

        await using (var migrating = await TenancyFixture.StartAsync(database, TimeProvider.System))
        {
        }

        await ready.WaitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel);
    }

    [Fact]
    public async Task Where_migrations_at_start_are_switched_off_the_gateway_makes_no_table_and_waits_for_them()
    {
        var database = await stores.CreateDatabaseAsync();
        using var tokens = new TestTokens();
        await using var waiting = await GatewayHost.StartAsync(
            stores, new Uri("http://127.0.0.1:1"), tokens, new() { [AtStart] = "off" }, database, untilReady: false);
        using var client = new HttpClient { BaseAddress = waiting.BaseAddress };
        await Eventually.TrueAsync(() => waiting.Log.Lines.Any(e => e.Message.Contains("migrations at start are switched off", StringComparison.Ordinal)), "it has looked");
        (await client.GetAsync("/health/ready", Cancel)).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await CountTablesAsync(database)).ShouldBe(0);

        (await RunAsync(database, "CityPulse.AiGateway")).ExitCode.ShouldBe(0);
        await Eventually.TrueAsync(async () => (await client.GetAsync("/health/ready", Cancel)).IsSuccessStatusCode, "the gateway is ready", TimeSpan.FromSeconds(60));
    }

    private static async Task<long> CountTablesAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var count = source.CreateCommand("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')");
        return (long)(await count.ExecuteScalarAsync(Cancel))!;
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(string database, string project = "CityPulse.Api", string? keyEncryptionKey = null) =>
        ServiceProcess.RunAsync(project, ["--migrate"], new()
        {
            ["ConnectionStrings__citydb"] = database,
            // Nobody is there: a migration needs no Redis.
            ["ConnectionStrings__redis"] = $"127.0.0.1:{TestStores.FreePort()}",
            ["Internal__Key"] = ApiHost.InternalKey,
            ["Auth__KeyEncryptionKey"] = keyEncryptionKey ?? Convert.ToBase64String(new byte[32]),
            // As in the cluster, where the variables are the service's.
            ["Migrations__AtStart"] = "false",
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
        });
}
