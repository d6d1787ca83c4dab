using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.DeviceKeys;

/// <summary>What lets a device store readings, and nothing else.</summary>
internal sealed class DeviceKey : TenantEntity
{
    public required string Name { get; init; }
    /// <summary>SHA-256 of the key; the key itself is shown once and kept nowhere.</summary>
    public required byte[] Hash { get; init; }
    /// <summary>The beginning of the key.</summary>
    public required string Hint { get; init; }
    /// <summary>The buildings whose sensors it may write; null: all.</summary>
    public Guid[]? BuildingIds { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>Written once a minute at most, so it may lag by that.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}

internal sealed class DeviceKeyConfiguration : IEntityTypeConfiguration<DeviceKey>
{
    public void Configure(EntityTypeBuilder<DeviceKey> builder)
    {
        builder.ToTable("device_keys");
        builder.Property(k => k.Name).HasMaxLength(DeviceKeyRules.MaxText);
        builder.Property(k => k.Hint).HasMaxLength(8);
        builder.HasIndex(k => k.Hash).IsUnique();
    }
}
