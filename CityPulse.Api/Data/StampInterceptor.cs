using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace CityPulse.Api.Data;

/// <summary>Fills what every <see cref="TenantEntity"/> has, so that no slice can forget it, and refuses rows of another organisation.</summary>
internal sealed class StampInterceptor(TimeProvider time) : SaveChangesInterceptor
{
    public override InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result)
    {
        Stamp(eventData.Context);
        return result;
    }

    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        Stamp(eventData.Context);
        return ValueTask.FromResult(result);
    }

    private void Stamp(DbContext? context)
    {
        if (context is not CityDb db)
        {
            return;
        }

        // Whole microseconds, as the database keeps them: what the answer to a POST shows is what a GET shows later.
        var now = time.GetUtcNow();
        now = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
        foreach (var entry in db.ChangeTracker.Entries<TenantEntity>())
        {
            switch (entry.State)
            {
                case EntityState.Added:
                    StampAdded(db, entry, now);
                    break;
                case EntityState.Modified:
                    RefuseForeign(db, entry);
                    entry.Property(e => e.UpdatedAt).CurrentValue = now;
                    entry.Property(e => e.Version).CurrentValue = entry.Property(e => e.Version).OriginalValue + 1;
                    break;
                case EntityState.Deleted:
                    RefuseForeign(db, entry);
                    break;
            }
        }
    }

    private static void StampAdded(CityDb db, EntityEntry<TenantEntity> entry, DateTimeOffset now)
    {
        if (entry.Entity.OrganizationId == Guid.Empty)
        {
            entry.Property(e => e.OrganizationId).CurrentValue = db.OrganizationId;
        }

        RefuseForeign(db, entry);
        entry.Property(e => e.CreatedAt).CurrentValue = now;
        entry.Property(e => e.UpdatedAt).CurrentValue = now;
        entry.Property(e => e.Version).CurrentValue = 1;
    }

    // Work without an organisation (sign-up, demo data) names it on every row itself.
    private static void RefuseForeign(CityDb db, EntityEntry<TenantEntity> entry)
    {
        var organization = entry.Property(e => e.OrganizationId);
        if ((db.Tenant?.OrganizationId is { } own && organization.CurrentValue != own)
            || (entry.State != EntityState.Added && organization.CurrentValue != organization.OriginalValue))
        {
            throw new InvalidOperationException($"A {entry.Metadata.ShortName()} of another organisation must not be written here.");
        }
    }
}
