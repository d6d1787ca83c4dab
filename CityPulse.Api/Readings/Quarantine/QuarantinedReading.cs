using CityPulse.Api.Data;
using CityPulse.Api.Sensors;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Readings.Quarantine;

/// <summary>A reading that cannot be true by what is known of its sensor. It is not among the readings until a person releases it.</summary>
internal sealed class QuarantinedReading : TenantEntity
{
    public Guid SensorId { get; init; }
    public DateTimeOffset ObservedAt { get; init; }
    public double Value { get; set; }
    public short Quality { get; set; }
    public required string Detail { get; set; }
    /// <summary>See <see cref="QuarantineStates"/>.</summary>
    public required string State { get; set; }
    public DateTimeOffset? DecidedAt { get; set; }
    public Guid? DecidedBy { get; set; }
}

internal static class QuarantineStates
{
    /// <summary>Waits for a decision.</summary>
    public const string Held = "held";
    /// <summary>Stored as a reading.</summary>
    public const string Released = "released";
    /// <summary>Known to be wrong. Sent again, it stays out.</summary>
    public const string Discarded = "discarded";

    public static readonly string[] All = [Held, Released, Discarded];
}

internal sealed class QuarantinedReadingConfiguration : IEntityTypeConfiguration<QuarantinedReading>
{
    public void Configure(EntityTypeBuilder<QuarantinedReading> builder)
    {
        builder.ToTable("quarantined_readings");
        builder.HasOne<Sensor>().WithMany().HasForeignKey(r => r.SensorId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(r => new { r.SensorId, r.ObservedAt }).IsUnique();
        builder.HasIndex(r => new { r.OrganizationId, r.Id });
    }
}
