using CityPulse.Api.Buildings;
using CityPulse.Api.Data;
using CityPulse.Api.Organizations;
using CityPulse.Bench.Drills;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

/// <summary>How a context tells the database its organisation: always before it matters, and on the way.</summary>
public sealed class TenantInterceptorTests(TestStores stores) : IAsyncLifetime
{
    private readonly Guid _organization = Guid.CreateVersion7();
    private Link _link = null!;
    private WebApplication _app = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private IServiceScopeFactory Scopes => _app.Services.GetRequiredService<IServiceScopeFactory>();

    public async ValueTask InitializeAsync()
    {
        var database = new NpgsqlConnectionStringBuilder(await stores.CreateDatabaseAsync());
        _link = new Link(database.Port);
        (database.Port, database.SslMode, database.GssEncryptionMode) = (_link.Port, SslMode.Disable, GssEncryptionMode.Disable);
        _app = await TenancyFixture.StartAsync(database.ConnectionString, TimeProvider.System);
        await using var scope = Scopes.CreateCrossTenantScope();
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        db.Add(new Organization { Id = _organization, Name = "North" });
        db.Add(new Building { OrganizationId = _organization, Name = "Town hall", Use = "office", TimeZone = "UTC" });
        await db.SaveChangesAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _link.DisposeAsync();
    }

    [Fact]
    public async Task Telling_the_organisation_costs_no_round_trip()
    {
        var query = (CityDb db) => db.Buildings.IgnoreQueryFilters([CityDb.TenantFilter]).Select(b => b.Name).ToListAsync(Cancel);
        var change = async (CityDb db) =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync(Cancel);
            var building = await db.Buildings.IgnoreQueryFilters([CityDb.TenantFilter]).SingleAsync(Cancel);
            building.Floors = (building.Floors ?? 0) + 1;
            await db.SaveChangesAsync(Cancel);
            await transaction.CommitAsync(Cancel);
            return new List<string> { building.Name };
        };
        foreach (var work in new[] { query, change })
        {
            // Sessions and the model are there already.
            await TurnsAsync(Scopes.CreateCrossTenantScope, work);
            await TurnsAsync(() => Scopes.CreateTenantScope(_organization), work);

            var untold = await TurnsAsync(Scopes.CreateCrossTenantScope, work);
            (await TurnsAsync(() => Scopes.CreateTenantScope(_organization), work)).ShouldBe(untold);
        }
    }

    [Fact]
    public async Task A_save_that_comes_first_still_notices_that_its_row_has_changed()
    {
        var stale = await InAsync(db => db.Buildings.AsNoTracking().SingleAsync(Cancel));
        await InAsync(async db =>
        {
            (await db.Buildings.SingleAsync(Cancel)).Name = "City hall";
            return await db.SaveChangesAsync(Cancel);
        });
        await InAsync(async db =>
        {
            db.Attach(stale).Property(b => b.Name).CurrentValue = "Old hall";
            await Should.ThrowAsync<DbUpdateConcurrencyException>(() => db.SaveChangesAsync(Cancel));
            return 0;
        });
        await InAsync(async db =>
        {
            var fresh = await db.Buildings.AsNoTracking().SingleAsync(Cancel);
            db.ChangeTracker.Clear();
            db.Attach(fresh).Property(b => b.Name).CurrentValue = "New hall";
            (await db.SaveChangesAsync(Cancel)).ShouldBe(1);
            return 0;
        });
        (await InAsync(db => db.Buildings.Select(b => b.Name).SingleAsync(Cancel))).ShouldBe("New hall");
    }

    [Fact]
    public async Task Rows_affected_are_those_of_the_statement_alone()
    {
        (await InAsync(db => db.Database.ExecuteSqlAsync($"UPDATE buildings SET floors = 3", Cancel))).ShouldBe(1);
        (await InAsync(db => db.Buildings.ExecuteUpdateAsync(b => b.SetProperty(x => x.Floors, 4), Cancel))).ShouldBe(1);
        (await InAsync(db => db.Buildings.Where(b => b.Floors == 5).ExecuteDeleteAsync(Cancel))).ShouldBe(0);
        (await InAsync(db => db.Buildings.CountAsync(Cancel))).ShouldBe(1);
    }

    [Fact]
    public async Task The_organisation_is_told_again_after_whatever_may_have_undone_it()
    {
        await InAsync(async db =>
        {
            // One session throughout; everything that forgets the setting happens in it.
            await db.Database.OpenConnectionAsync(Cancel);
            await using (var undone = await db.Database.BeginTransactionAsync(Cancel))
            {
                (await db.Buildings.CountAsync(Cancel)).ShouldBe(1);
                await undone.RollbackAsync(Cancel);
            }

            (await db.Buildings.CountAsync(Cancel)).ShouldBe(1);
            await using (await db.Database.BeginTransactionAsync(Cancel))
            {
                (await db.Buildings.CountAsync(Cancel)).ShouldBe(1);
            }

            (await db.Buildings.CountAsync(Cancel)).ShouldBe(1);
            await using (var transaction = await db.Database.BeginTransactionAsync(Cancel))
            {
                await transaction.CreateSavepointAsync("before", Cancel);
                (await db.Buildings.CountAsync(Cancel)).ShouldBe(1);
                await transaction.RollbackToSavepointAsync("before", Cancel);
                (await db.Buildings.CountAsync(Cancel)).ShouldBe(1);

                // Fails after the savepoint that every save makes for itself.
                db.Add(new Building { OrganizationId = _organization, Name = null!, Use = "office", TimeZone = "UTC" });
                await Should.ThrowAsync<DbUpdateException>(() => db.SaveChangesAsync(Cancel));
                (await db.Buildings.CountAsync(Cancel)).ShouldBe(1);
            }

            await Should.ThrowAsync<PostgresException>(() => db.Database.ExecuteSqlRawAsync("SELECT 1/0", Cancel));
            (await db.Buildings.CountAsync(Cancel)).ShouldBe(1);
            return 0;
        });
    }

    [Fact]
    public async Task A_context_without_an_organisation_is_a_fault_and_not_an_empty_answer()
    {
        await using var scope = _app.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        (await Should.ThrowAsync<InvalidOperationException>(() => db.Buildings.IgnoreQueryFilters().CountAsync(Cancel)))
            .Message.ShouldContain("CreateCrossTenantScope");
    }

    [Fact]
    public async Task The_database_can_be_asked_whether_it_is_there_under_any_role()
    {
        await using var none = _app.Services.CreateAsyncScope();
        (await none.ServiceProvider.GetRequiredService<CityDb>().Database.CanConnectAsync(Cancel)).ShouldBeTrue();
        await using var all = Scopes.CreateCrossTenantScope();
        (await all.ServiceProvider.GetRequiredService<CityDb>().Database.CanConnectAsync(Cancel)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_scope_is_for_one_organisation_or_for_all_and_stays_so()
    {
        await using var all = Scopes.CreateCrossTenantScope();
        Should.Throw<InvalidOperationException>(() => all.ServiceProvider.GetRequiredService<TenantContext>().Set(_organization));
        await using var one = Scopes.CreateTenantScope(_organization);
        Should.Throw<InvalidOperationException>(() => one.ServiceProvider.GetRequiredService<TenantContext>().CrossOrganizations());
    }

    private async Task<int> TurnsAsync(Func<AsyncServiceScope> open, Func<CityDb, Task<List<string>>> work)
    {
        await using var scope = open();
        var before = _link.Turns;
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        (await db.Database.CreateExecutionStrategy().ExecuteAsync(() => work(db))).ShouldBe(["Town hall"]);
        return _link.Turns - before;
    }

    private async Task<T> InAsync<T>(Func<CityDb, Task<T>> work)
    {
        await using var scope = Scopes.CreateTenantScope(_organization);
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        return await db.Database.CreateExecutionStrategy().ExecuteAsync(() => work(db));
    }
}
