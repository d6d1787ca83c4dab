using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

/// <summary>The Api's program with <c>--migrate</c>, as a Job runs it.</summary>
public sealed class MigrateSwitchTests(TestStores stores)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_brings_the_database_up_to_date_and_ends_and_a_second_time_does_no_harm()
    {
        var database = await stores.CreateDatabaseAsync();
        for (var time = 0; time < 2; time++)
        {
            var (exitCode, output, errors) = await RunAsync(database);
            exitCode.ShouldBe(0, output + errors);
            output.ShouldContain("The database is up to date.");
            output.ShouldNotContain("Now listening");
        }

        await using var source = NpgsqlDataSource.Create(database);
        await using var count = source.CreateCommand("""SELECT count(*) FROM "__EFMigrationsHistory" """);
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

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(string database, string? keyEncryptionKey = null) =>
        ServiceProcess.RunAsync("CityPulse.Api", ["--migrate"], new()
        {
            ["ConnectionStrings__citydb"] = database,
            // Nobody is there: a migration needs no Redis.
            ["ConnectionStrings__redis"] = $"127.0.0.1:{TestStores.FreePort()}",
            ["Internal__Key"] = ApiHost.InternalKey,
            ["Auth__KeyEncryptionKey"] = keyEncryptionKey ?? Convert.ToBase64String(new byte[32]),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
        });
}
