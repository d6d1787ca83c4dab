using CityPulse.Api.Buildings;
using CityPulse.Api.Data;
using CityPulse.Api.Organizations;
using CityPulse.Api.Sensors;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

/// <summary>The database layer alone, without HTTP: who sees and writes which rows.</summary>
public sealed class TenancyTests(TestStores stores) : IAsyncLifetime
{
    private static readonly Guid North = Guid.CreateVersion7();
    private static readonly Guid South = Guid.CreateVersion7();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero).AddTicks(7));
    private WebApplication _app = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _app = await StartAsync(await stores.CreateDatabaseAsync());
        await using var scope = _app.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        db.Organizations.AddRange(new Organization { Id = North, Name = "North" }, new Organization { Id = South, Name = "South" });
        await db.SaveChangesAsync(Cancel);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task An_organisation_sees_its_own_rows_only()
    {
        await AddBuildingAsync(North, "Town hall");
        await AddBuildingAsync(South, "Pool");

        await InAsync(North, async db => (await db.Buildings.Select(b => b.Name).ToListAsync(Cancel)).ShouldBe(["Town hall"]));
        await InAsync(South, async db => (await db.Buildings.Select(b => b.Name).ToListAsync(Cancel)).ShouldBe(["Pool"]));
        await InAsync(North, async db =>
            (await db.Buildings.IgnoreQueryFilters([CityDb.TenantFilter]).CountAsync(Cancel)).ShouldBe(2));
    }

    [Fact]
    public async Task A_pooled_context_forgets_the_organisation_of_the_scope_before()
    {
        await AddBuildingAsync(North, "Town hall");
        await using var scope = _app.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        await Should.ThrowAsync<InvalidOperationException>(() => db.Buildings.CountAsync(Cancel));
    }

    [Fact]
    public async Task New_rows_get_organisation_id_times_and_first_version()
    {
        var building = await AddBuildingAsync(North, "Town hall");
        var now = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        building.OrganizationId.ShouldBe(North);
        building.Id.Version.ShouldBe(7);
        building.CreatedAt.ShouldBe(now);
        building.UpdatedAt.ShouldBe(now);
        building.Version.ShouldBe(1);
    }

    [Fact]
    public async Task A_change_raises_the_version_and_a_stale_one_is_refused()
    {
        var id = (await AddBuildingAsync(North, "Town hall")).Id;
        _time.Advance(TimeSpan.FromMinutes(1));
        await InAsync(North, async first =>
        {
            var mine = await first.Buildings.SingleAsync(b => b.Id == id, Cancel);
            await InAsync(North, async second =>
            {
                var theirs = await second.Buildings.SingleAsync(b => b.Id == id, Cancel);
                theirs.Name = "City hall";
                await second.SaveChangesAsync(Cancel);
                theirs.Version.ShouldBe(2);
                theirs.UpdatedAt.ShouldBeGreaterThan(theirs.CreatedAt);
            });
            mine.Name = "Old hall";
            await Should.ThrowAsync<DbUpdateConcurrencyException>(() => first.SaveChangesAsync(Cancel));
        });
        await InAsync(North, async db => (await db.Buildings.SingleAsync(b => b.Id == id, Cancel)).Name.ShouldBe("City hall"));
    }

    [Fact]
    public async Task Rows_of_another_organisation_are_neither_written_nor_deleted()
    {
        var id = (await AddBuildingAsync(South, "Pool")).Id;
        await InAsync(North, async db =>
        {
            var foreign = await db.Buildings.IgnoreQueryFilters().SingleAsync(b => b.Id == id, Cancel);
            foreign.Name = "Mine now";
            await Should.ThrowAsync<InvalidOperationException>(() => db.SaveChangesAsync(Cancel));
            db.Remove(foreign);
            await Should.ThrowAsync<InvalidOperationException>(() => db.SaveChangesAsync(Cancel));
        });
        await InAsync(North, async db =>
        {
            db.Add(NewBuilding("Smuggled", South));
            await Should.ThrowAsync<InvalidOperationException>(() => db.SaveChangesAsync(Cancel));
        });
        await InAsync(South, async db => (await db.Buildings.Select(b => b.Name).ToListAsync(Cancel)).ShouldBe(["Pool"]));
    }

    [Fact]
    public async Task Sensors_get_a_short_key_from_the_database()
    {
        var building = await AddBuildingAsync(North, "Town hall");
        await InAsync(North, async db =>
        {
            var a = NewSensor(building.Id, "a");
            var b = NewSensor(building.Id, "b");
            db.AddRange(a, b);
            await db.SaveChangesAsync(Cancel);
            a.Key.ShouldBeGreaterThan(0);
            b.Key.ShouldNotBe(a.Key);
        });
    }

    [Fact]
    public async Task A_scope_does_not_change_sides()
    {
        await using var scope = _app.Services.GetRequiredService<IServiceScopeFactory>().CreateTenantScope(North);
        var tenant = scope.ServiceProvider.GetRequiredService<TenantContext>();
        tenant.Set(North);
        Should.Throw<InvalidOperationException>(() => tenant.Set(South));
    }

    [Fact]
    public async Task Two_replicas_starting_at_once_migrate_one_database()
    {
        var database = await stores.CreateDatabaseAsync();
        var replicas = await Task.WhenAll(StartAsync(database), StartAsync(database));
        foreach (var replica in replicas)
        {
            await replica.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_database_that_comes_late_is_waited_for()
    {
        var late = await stores.CreateDatabaseAsync();
        var name = new Npgsql.NpgsqlConnectionStringBuilder(late).Database;
        await using var admin = Npgsql.NpgsqlDataSource.Create(new Npgsql.NpgsqlConnectionStringBuilder(late) { Database = "postgres" }.ConnectionString);
        await using (var drop = admin.CreateCommand($"DROP DATABASE {name}"))
        {
            await drop.ExecuteNonQueryAsync(Cancel);
        }

        await using var app = Build(late, TimeProvider.System);
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
        await using var app = Build(null, TimeProvider.System);
        var refusal = await Should.ThrowAsync<Exception>(() => app.StartAsync(Cancel));
        refusal.Message.ShouldContain("ConnectionStrings:citydb");
    }

    private async Task<Building> AddBuildingAsync(Guid organization, string name)
    {
        var building = NewBuilding(name);
        await InAsync(organization, async db =>
        {
            db.Add(building);
            await db.SaveChangesAsync(Cancel);
        });
        return building;
    }

    private async Task InAsync(Guid organization, Func<CityDb, Task> work)
    {
        await using var scope = _app.Services.GetRequiredService<IServiceScopeFactory>().CreateTenantScope(organization);
        await work(scope.ServiceProvider.GetRequiredService<CityDb>());
    }

    private async Task<WebApplication> StartAsync(string database)
    {
        var app = Build(database, _time);
        await app.StartAsync(Cancel);
        await app.Services.GetRequiredService<DatabaseReady>().WaitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel);
        return app;
    }

    private static WebApplication Build(string? database, TimeProvider time)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration["ConnectionStrings:citydb"] = database;
        builder.Services.RemoveAll<TimeProvider>();
        builder.Services.AddSingleton(time);
        builder.AddCityData();
        return builder.Build();
    }

    private static Building NewBuilding(string name, Guid organization = default) =>
        new() { Name = name, Use = "office", TimeZone = "UTC", OrganizationId = organization };

    private static Sensor NewSensor(Guid buildingId, string name) => new()
    {
        BuildingId = buildingId,
        Name = name,
        Quantity = "temperature",
        Unit = "Cel",
        Kind = "gauge",
        Interpolation = "linear",
        IntervalLabel = "start",
    };
}
