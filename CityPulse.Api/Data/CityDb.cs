using System.Linq.Expressions;
using System.Reflection;
using CityPulse.Api.Auth;
using CityPulse.Api.Buildings;
using CityPulse.Api.DeviceKeys;
using CityPulse.Api.Organizations;
using CityPulse.Api.Sensors;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Data;

/// <summary>The city's entities. Readings, rollups and the outbox are plain SQL (see <c>Readings/</c>, <c>Events/</c>).</summary>
/// <remarks>
/// Contexts are pooled, so the organisation is no constructor argument: the scope that leases a context lends it its
/// <see cref="TenantContext"/>. Queries on <see cref="TenantEntity"/> types see that organisation only, and throw when there is none.
/// </remarks>
internal sealed class CityDb(DbContextOptions<CityDb> options) : DbContext(options)
{
    /// <summary>Name of the filter by organisation, for <c>IgnoreQueryFilters([CityDb.TenantFilter])</c> in work across organisations.</summary>
    public const string TenantFilter = "Tenant";

    public DbSet<Organization> Organizations => Set<Organization>();
    public DbSet<Membership> Memberships => Set<Membership>();
    public DbSet<User> Users => Set<User>();
    public DbSet<TokenFamily> TokenFamilies => Set<TokenFamily>();
    public DbSet<DeviceKey> DeviceKeys => Set<DeviceKey>();
    public DbSet<Building> Buildings => Set<Building>();
    public DbSet<Sensor> Sensors => Set<Sensor>();

    internal TenantContext? Tenant { get; set; }

    /// <summary>Kept by <see cref="TenantInterceptor"/>.</summary>
    internal TenantTold Told { get; } = new();

    /// <summary>The organisation that this context works for.</summary>
    public Guid OrganizationId => Tenant?.OrganizationId
        ?? throw new InvalidOperationException("The database context works for no organisation: set TenantContext, or ignore the tenant filter on purpose.");

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(CityDb).Assembly);
        foreach (var type in modelBuilder.Model.GetEntityTypes().Select(t => t.ClrType).Where(t => t.IsSubclassOf(typeof(TenantEntity))).ToList())
        {
            ConfigureTenantMethod.MakeGenericMethod(type).Invoke(this, [modelBuilder]);
        }
    }

    private static readonly MethodInfo ConfigureTenantMethod =
        typeof(CityDb).GetMethod(nameof(ConfigureTenant), BindingFlags.Instance | BindingFlags.NonPublic)!;

    private void ConfigureTenant<TEntity>(ModelBuilder modelBuilder) where TEntity : TenantEntity
    {
        // EF replaces `this` by the context that runs the query, so that one cached model serves every organisation.
        Expression<Func<TEntity, bool>> ownRows = e => e.OrganizationId == OrganizationId;
        modelBuilder.Entity<TEntity>(entity =>
        {
            entity.HasKey(e => e.Id);
            entity.Property(e => e.Id).HasValueGenerator<Version7Generator>();
            entity.Property(e => e.Version).IsConcurrencyToken();
            entity.HasOne<Organization>().WithMany().HasForeignKey(e => e.OrganizationId).OnDelete(DeleteBehavior.Cascade);
            entity.HasQueryFilter(TenantFilter, ownRows);
        });
    }
}
