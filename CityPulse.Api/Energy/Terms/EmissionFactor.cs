using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Energy.Terms;

/// <summary>kg CO₂e per kWh of a carrier in a region and year.</summary>
internal sealed class EmissionFactor : TenantEntity
{
    public required string Region { get; set; }
    public int Year { get; set; }
    public required string Carrier { get; set; }
    /// <summary><c>location</c> or <c>market</c> (GHG Protocol, Scope 2).</summary>
    public required string Method { get; set; }
    /// <summary>Who published it.</summary>
    public required string Source { get; set; }
    public double KgPerKwh { get; set; }
}

internal sealed class EmissionFactorConfiguration : IEntityTypeConfiguration<EmissionFactor>
{
    /// <summary>Two factors of the same thing would leave it to chance which one counts.</summary>
    public const string OnlyOne = "ix_emission_factors_region_year_carrier_method";

    public void Configure(EntityTypeBuilder<EmissionFactor> builder)
    {
        builder.ToTable("emission_factors");
        builder.HasIndex(f => new { f.OrganizationId, f.Region, f.Year, f.Carrier, f.Method }).IsUnique().HasDatabaseName(OnlyOne);
        builder.Property(f => f.Region).HasMaxLength(EmissionFactorResource.MaxRegion);
        builder.Property(f => f.Carrier).HasMaxLength(20);
        builder.Property(f => f.Method).HasMaxLength(20);
        builder.Property(f => f.Source).HasMaxLength(EmissionFactorResource.MaxText);
    }
}
