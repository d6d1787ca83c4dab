using CityPulse.Api.Buildings;
using CityPulse.Api.Organizations;
using CityPulse.Api.Sensors;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Data;

/// <summary>The city's entities. Readings, rollups and the outbox are plain SQL (see <c>Readings/</c>, <c>Events/</c>).</summary>
internal sealed class CityDb(DbContextOptions<CityDb> options) : DbContext(options)
{
    public DbSet<Organization> Organizations => Set<Organization>();
    public DbSet<Building> Buildings => Set<Building>();
    public DbSet<Sensor> Sensors => Set<Sensor>();

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(CityDb).Assembly);
}
