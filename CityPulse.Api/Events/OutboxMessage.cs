using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Events;

/// <summary>A row of the outbox, for changes that are saved through EF: it commits with them or not at all.</summary>
internal sealed class OutboxMessage
{
    public long Id { get; init; }
    public Guid OrganizationId { get; init; }
    public DateTimeOffset At { get; init; }
    public required string Type { get; init; }
    public required string[] Topics { get; init; }
    public required byte[] Data { get; init; }
}

internal sealed class OutboxMessageConfiguration : IEntityTypeConfiguration<OutboxMessage>
{
    public void Configure(EntityTypeBuilder<OutboxMessage> builder)
    {
        // The table is plain SQL (OutboxMigration): EF only ever adds to it.
        builder.ToTable("outbox", table => table.ExcludeFromMigrations());
        builder.HasKey(m => m.Id);
        builder.Property(m => m.Id).UseIdentityAlwaysColumn();
    }
}
