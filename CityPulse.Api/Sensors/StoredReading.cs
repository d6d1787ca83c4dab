using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Sensors;

/// <summary>A row of the readings table, for queries on sensors that show their newest reading. EF never writes it.</summary>
internal sealed class StoredReading
{
    public int SensorKey { get; init; }
    public DateTimeOffset ObservedAt { get; init; }
    public double Value { get; init; }
}

internal sealed class StoredReadingConfiguration : IEntityTypeConfiguration<StoredReading>
{
    public void Configure(EntityTypeBuilder<StoredReading> builder)
    {
        builder.ToTable("readings", table => table.ExcludeFromMigrations());
        builder.HasKey(r => new { r.SensorKey, r.ObservedAt });
    }
}
