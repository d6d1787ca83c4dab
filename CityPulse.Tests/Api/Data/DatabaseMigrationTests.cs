using CityPulse.Api.Data;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

public sealed class DatabaseMigrationTests(TestStores stores)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_replicas_starting_at_once_migrate_one_database()
    {
        var database = await stores.CreateDatabaseAsync();
        var replicas = await Task.WhenAll(
            TenancyFixture.StartAsync(database, TimeProvider.System), TenancyFixture.StartAsync(database, TimeProvider.System));
        foreach (var replica in replicas)
        {
            await replica.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_database_that_comes_late_is_waited_for()
    {
        var late = await stores.CreateDatabaseAsync();
        var name = new NpgsqlConnectionStringBuilder(late).Database;
        await using var admin = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(late) { Database = "postgres" }.ConnectionString);
        await using (var drop = admin.CreateCommand($"DROP DATABASE {name}"))
        {
            await drop.ExecuteNonQueryAsync(Cancel);
        }

        await using var app = TenancyFixture.Build(late, TimeProvider.System);
        await app.StartAsync(Cancel);
        var ready = app.Services.GetRequiredService<DatabaseReady>();
        await Eventually.TrueAsync(
            async () => (await ready.CheckHealthAsync(new(), Cancel)).Description!.Contains("trying again", StringComparison.Ordinal), "the first attempt failed");
        ready.IsReady.ShouldBeFalse();
        await using (var create = admin.CreateCommand($"CREATE DATABASE {name}"))
        {
            await create.ExecuteNonQueryAsync(Cancel);
        }

        await ready.WaitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Fact]
    public async Task Without_a_connection_string_the_boot_stops_and_names_the_key()
    {
        await using var app = TenancyFixture.Build(null, TimeProvider.System);
        var refusal = await Should.ThrowAsync<Exception>(() => app.StartAsync(Cancel));
        refusal.Message.ShouldContain("ConnectionStrings:citydb");
    }
}
