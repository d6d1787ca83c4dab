using CityPulse.Api.Buildings;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Sensors;

internal sealed class SensorConfiguration : IEntityTypeConfiguration<Sensor>
{
    public void Configure(EntityTypeBuilder<Sensor> builder)
    {
        builder.ToTable("sensors");
        builder.Property(s => s.Key).UseIdentityAlwaysColumn();
        builder.HasIndex(s => s.Key).IsUnique();
        builder.HasIndex(s => new { s.OrganizationId, s.ExternalId }).IsUnique();
        builder.HasOne<Building>().WithMany().HasForeignKey(s => s.BuildingId).OnDelete(DeleteBehavior.Restrict);
    }
}
