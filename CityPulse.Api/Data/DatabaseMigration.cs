using System.Net.Sockets;
using CityPulse.Api.Http.Kept;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CityPulse.Api.Data;

/// <summary>
/// Brings the schema up to date at start, and the wall between organisations with it. One replica works, the others wait at the advisory
/// lock and find nothing left to do. A database that is not there yet is waited for; a wrong configuration stops the service.
/// </summary>
internal sealed partial class DatabaseMigration(
    TenantDatabase database, IServiceScopeFactory scopes, DatabaseReady ready, TimeProvider time, ILogger<DatabaseMigration> logger)
    : BackgroundService
{
    private static readonly TimeSpan MaximumDelay = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var delay = TimeSpan.FromMilliseconds(250); ; delay = delay * 2 > MaximumDelay ? MaximumDelay : delay * 2)
        {
            try
            {
                await MigrateAsync(stoppingToken);
                ready.Complete();
                return;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested && IsDatabaseTrouble(e))
            {
                ready.Report("The database could not be reached or migrated yet; trying again.");
                LogRetry(delay.TotalMilliseconds, e);
                await Task.Delay(delay, time, stoppingToken);
            }
        }
    }

    /// <summary>One attempt.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var held = await AdvisoryLock.AcquireAsync(database.Owner, AdvisoryLockKeys.Migrations, cancellationToken);
        await using (var migration = scopes.CreateCrossTenantScope())
        {
            var db = migration.ServiceProvider.GetRequiredService<CityDb>();
            db.WorkUnder(database.Owner);
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

    private static bool IsDatabaseTrouble(Exception e) =>
        e.GetBaseException() is NpgsqlException or SocketException or TimeoutException or IOException;

    [LoggerMessage(LogLevel.Warning, "The database is not ready; next attempt in {DelayMs} ms")]
    private partial void LogRetry(double delayMs, Exception exception);
}
