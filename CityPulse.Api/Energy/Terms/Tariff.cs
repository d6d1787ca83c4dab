using System.Text.Json;
using CityPulse.Api.Buildings;
using CityPulse.Api.Data;
using CityPulse.Api.Energy.Domain;
using CityPulse.ServiceDefaults.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Energy.Terms;

/// <summary>What energy costs, by time of use and over the years.</summary>
internal sealed class Tariff : TenantEntity
{
    public required string Name { get; set; }
    /// <summary>ISO 4217.</summary>
    public required string Currency { get; set; }
    /// <summary>The only carrier that it prices; null when it prices all.</summary>
    public string? Carrier { get; set; }
    /// <summary>In the order in which they became valid; at least one.</summary>
    public IReadOnlyList<TariffTerms> Terms { get; set; } = [];
}

internal sealed class TariffConfiguration : IEntityTypeConfiguration<Tariff>
{
    public const string BuildingKey = "fk_buildings_tariffs_organization_id_tariff_id";

    public void Configure(EntityTypeBuilder<Tariff> builder)
    {
        builder.ToTable("tariffs");
        builder.Property(t => t.Name).HasMaxLength(TariffResource.MaxText);
        builder.Property(t => t.Currency).HasMaxLength(3);
        builder.Property(t => t.Carrier).HasMaxLength(20);
        // Read and written whole, never searched: one column keeps a change of terms one change of one row.
        builder.Property(t => t.Terms).HasColumnType("jsonb").HasConversion(
            terms => Write(terms),
            json => Read(json),
            new ValueComparer<IReadOnlyList<TariffTerms>>(
                (a, b) => Write(a!) == Write(b!), terms => Write(terms).GetHashCode(StringComparison.Ordinal), terms => Read(Write(terms))));
        // The organisation is part of the key: not even a fault in a query can price a building by a foreign tariff.
        builder.HasMany<Building>().WithOne()
            .HasForeignKey(b => new { b.OrganizationId, b.TariffId }).HasPrincipalKey(t => new { t.OrganizationId, t.Id })
            .HasConstraintName(BuildingKey).OnDelete(DeleteBehavior.Restrict);
    }

    private static string Write(IReadOnlyList<TariffTerms> terms) => JsonSerializer.Serialize(terms, JsonDefaults.Options);

    private static TariffTerms[] Read(string json) => JsonSerializer.Deserialize<TariffTerms[]>(json, JsonDefaults.Options)!;
}
