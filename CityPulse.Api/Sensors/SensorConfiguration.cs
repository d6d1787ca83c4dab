using CityPulse.Api.Buildings;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Sensors;

internal sealed class SensorConfiguration : IEntityTypeConfiguration<Sensor>
{
    /// <summary>Two sensors of one organisation never share an <c>externalId</c>; sensors without one are not compared.</summary>
    public const string ExternalIdIndex = "ix_sensors_organization_id_external_id";

    public const string BuildingKey = "fk_sensors_buildings_organization_id_building_id";

    public void Configure(EntityTypeBuilder<Sensor> builder)
    {
        builder.ToTable("sensors");
        builder.Property(s => s.Key).UseIdentityAlwaysColumn();
        builder.HasIndex(s => s.Key).IsUnique();
        builder.HasIndex(s => new { s.OrganizationId, s.ExternalId }).IsUnique().HasDatabaseName(ExternalIdIndex);
        builder.HasIndex(s => new { s.OrganizationId, s.Id });
        builder.HasIndex(s => new { s.BuildingId, s.Id });
        // The organisation is part of the key: not even a fault in a query can put a sensor into a foreign building.
        builder.HasOne<Building>().WithMany()
            .HasForeignKey(s => new { s.OrganizationId, s.BuildingId }).HasPrincipalKey(b => new { b.OrganizationId, b.Id })
            .HasConstraintName(BuildingKey).OnDelete(DeleteBehavior.Restrict);
        builder.Property(s => s.ExternalId).HasMaxLength(SensorRules.MaxText);
        builder.Property(s => s.Name).HasMaxLength(SensorRules.MaxText);
    }
}
