using CityPulse.Api.Http.Kept;
using CityPulse.ServiceDefaults.Schema;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Data;

/// <summary>
/// The city's schema, and the wall between organisations with it. One replica works, the others wait at the advisory lock and find nothing
/// left to do.
/// </summary>
internal sealed class DatabaseMigration(
    TenantDatabase database, IServiceScopeFactory scopes, DatabaseReady ready, IOptions<MigrationOptions> options, TimeProvider time,
    ILogger<DatabaseMigration> logger)
    : SchemaMigration(options, time, logger)
{
    public override async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var held = await AdvisoryLock.AcquireAsync(database.Owner, AdvisoryLockKeys.Migrations, cancellationToken);
        await using (var migration = scopes.CreateCrossTenantScope())
        {
            var db = AsOwner(migration);
            db.Database.SetCommandTimeout(TimeSpan.FromMinutes(10));
            await db.Database.MigrateAsync(cancellationToken);
            await AnswerTriggers.BuildAsync(db, cancellationToken);
            db.Database.SetCommandTimeout((int?)null);
        }

        await TenantWall.BuildAsync(database, CityTables.Schema, CityTables.WithoutOrganization, cancellationToken);
        await using var scope = scopes.CreateCrossTenantScope();
        foreach (var seed in scope.ServiceProvider.GetServices<IDatabaseSeed>())
        {
            await seed.SeedAsync(cancellationToken);
        }
    }

    protected override async Task<bool> IsBehindAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateCrossTenantScope();
        return (await AsOwner(scope).Database.GetPendingMigrationsAsync(cancellationToken)).Any();
    }

    protected override void Complete() => ready.Complete();

    protected override void Report(string problem) => ready.Report(problem);

    private CityDb AsOwner(AsyncServiceScope scope)
    {
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        db.WorkUnder(database.Owner);
        return db;
    }
}
