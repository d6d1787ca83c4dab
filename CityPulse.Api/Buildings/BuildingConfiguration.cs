using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Buildings;

internal sealed class BuildingConfiguration : IEntityTypeConfiguration<Building>
{
    public void Configure(EntityTypeBuilder<Building> builder)
    {
        builder.ToTable("buildings");
        builder.HasAlternateKey(b => new { b.OrganizationId, b.Id });
        builder.HasIndex(b => b.Tags).HasMethod("gin");
        builder.Property(b => b.Name).HasMaxLength(BuildingRules.MaxText);
        builder.Property(b => b.Code).HasMaxLength(BuildingRules.MaxText);
        builder.Property(b => b.TimeZone).HasMaxLength(BuildingRules.MaxText);
        builder.Property(b => b.EmissionRegion).HasMaxLength(BuildingRules.MaxCountry);
    }
}
