using CityPulse.Api.Buildings;
using CityPulse.Api.Data;
using CityPulse.Api.Organizations;
using CityPulse.Api.Sensors;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

/// <summary>The database layer alone, without HTTP: who sees and writes which rows.</summary>
public sealed class TenancyTests(TenancyFixture fixture) : IClassFixture<TenancyFixture>, IAsyncLifetime
{
    private readonly Guid _north = Guid.CreateVersion7();
    private readonly Guid _south = Guid.CreateVersion7();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await using var scope = fixture.App.Services.GetRequiredService<IServiceScopeFactory>().CreateCrossTenantScope();
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        db.Organizations.AddRange(new Organization { Id = _north, Name = "North" }, new Organization { Id = _south, Name = "South" });
        await db.SaveChangesAsync(Cancel);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task An_organisation_sees_its_own_rows_only()
    {
        await AddBuildingAsync(_north, "Town hall");
        await AddBuildingAsync(_south, "Pool");

        await InAsync(_north, async db => (await db.Buildings.Select(b => b.Name).ToListAsync(Cancel)).ShouldBe(["Town hall"]));
        await InAsync(_south, async db => (await db.Buildings.Select(b => b.Name).ToListAsync(Cancel)).ShouldBe(["Pool"]));
        await using var scope = fixture.App.Services.GetRequiredService<IServiceScopeFactory>().CreateCrossTenantScope();
        (await scope.ServiceProvider.GetRequiredService<CityDb>().Buildings.IgnoreQueryFilters([CityDb.TenantFilter])
            .CountAsync(b => b.OrganizationId == _north || b.OrganizationId == _south, Cancel)).ShouldBe(2);
    }

    [Fact]
    public async Task A_pooled_context_forgets_the_organisation_of_the_scope_before()
    {
        await AddBuildingAsync(_north, "Town hall");
        await using var scope = fixture.App.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        await Should.ThrowAsync<InvalidOperationException>(() => db.Buildings.CountAsync(Cancel));
    }

    [Fact]
    public async Task New_rows_get_organisation_id_times_and_first_version()
    {
        var building = await AddBuildingAsync(_north, "Town hall");
        var now = fixture.Time.GetUtcNow().AddTicks(-7);
        building.OrganizationId.ShouldBe(_north);
        building.Id.Version.ShouldBe(7);
        building.CreatedAt.ShouldBe(now);
        building.UpdatedAt.ShouldBe(now);
        building.Version.ShouldBe(1);
    }

    [Fact]
    public async Task A_change_raises_the_version_and_a_stale_one_is_refused()
    {
        var id = (await AddBuildingAsync(_north, "Town hall")).Id;
        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        await InAsync(_north, async first =>
        {
            var mine = await first.Buildings.SingleAsync(b => b.Id == id, Cancel);
            await InAsync(_north, async second =>
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
        await InAsync(_north, async db => (await db.Buildings.SingleAsync(b => b.Id == id, Cancel)).Name.ShouldBe("City hall"));
    }

    [Fact]
    public async Task Rows_of_another_organisation_are_neither_written_nor_deleted()
    {
        var id = (await AddBuildingAsync(_south, "Pool")).Id;
        await InAsync(_north, async db =>
        {
            // Not even the filter's absence shows it: as if it came from elsewhere.
            (await db.Buildings.IgnoreQueryFilters().AnyAsync(b => b.Id == id, Cancel)).ShouldBeFalse();
            var foreign = new Building { Id = id, Name = "Pool", Use = "office", TimeZone = "UTC", OrganizationId = _south };
            db.Attach(foreign).Property(b => b.Name).CurrentValue = "Mine now";
            await Should.ThrowAsync<InvalidOperationException>(() => db.SaveChangesAsync(Cancel));
            db.Remove(foreign);
            await Should.ThrowAsync<InvalidOperationException>(() => db.SaveChangesAsync(Cancel));
        });
        await InAsync(_north, async db =>
        {
            db.Add(NewBuilding("Smuggled", _south));
            await Should.ThrowAsync<InvalidOperationException>(() => db.SaveChangesAsync(Cancel));
        });
        await InAsync(_south, async db => (await db.Buildings.Select(b => b.Name).ToListAsync(Cancel)).ShouldBe(["Pool"]));
    }

    [Fact]
    public async Task Sensors_get_a_short_key_from_the_database()
    {
        var building = await AddBuildingAsync(_north, "Town hall");
        await InAsync(_north, async db =>
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
        await using var scope = fixture.App.Services.GetRequiredService<IServiceScopeFactory>().CreateTenantScope(_north);
        var tenant = scope.ServiceProvider.GetRequiredService<TenantContext>();
        tenant.Set(_north);
        Should.Throw<InvalidOperationException>(() => tenant.Set(_south));
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
        await using var scope = fixture.App.Services.GetRequiredService<IServiceScopeFactory>().CreateTenantScope(organization);
        await work(scope.ServiceProvider.GetRequiredService<CityDb>());
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
