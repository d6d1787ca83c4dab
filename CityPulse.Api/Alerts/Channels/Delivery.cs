using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>One event on its way to one channel. It outlives the channel and says what became of it.</summary>
internal sealed class Delivery
{
    public Guid Id { get; init; }
    public Guid OrganizationId { get; init; }
    public Guid ChannelId { get; init; }
    /// <summary>Null for a test and for a flood.</summary>
    public Guid? AlertId { get; init; }
    /// <summary>The same for all channels and attempts.</summary>
    public Guid EventId { get; init; }
    public required string EventType { get; init; }
    /// <summary>The event as it is sent, byte for byte.</summary>
    public required byte[] Body { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset GiveUpAt { get; init; }
    /// <summary>A word of <see cref="DeliveryStatus"/>, as it is stored: while a release rolls out, a newer replica may know more of them.</summary>
    public string Status { get; set; } = Words.Of(DeliveryStatus.Pending);
    public int Attempts { get; set; }
    /// <summary>While somebody is at it: when another one may take over. Of what is gathered: from when on it may be told.</summary>
    public DateTimeOffset? NextAttemptAt { get; set; }
    /// <summary>Who is at it; a worker that comes late finds another one's.</summary>
    public Guid? Lease { get; set; }
    public DateTimeOffset? FinishedAt { get; set; }
    /// <summary>The delivery that told it with others.</summary>
    public Guid? GroupId { get; set; }
}

internal sealed class DeliveryAttempt
{
    public long Id { get; init; }
    public Guid OrganizationId { get; init; }
    public Guid DeliveryId { get; init; }
    public DateTimeOffset At { get; init; }
    public int DurationMs { get; init; }
    public int? StatusCode { get; init; }
    public string? Error { get; init; }
}

// The tables are plain SQL (ChannelsMigration).
internal sealed class DeliveryConfiguration : IEntityTypeConfiguration<Delivery>
{
    public void Configure(EntityTypeBuilder<Delivery> builder)
    {
        builder.ToTable("alert_deliveries", table => table.ExcludeFromMigrations());
        builder.Property(d => d.Id).ValueGeneratedNever();
    }
}

internal sealed class DeliveryAttemptConfiguration : IEntityTypeConfiguration<DeliveryAttempt>
{
    public void Configure(EntityTypeBuilder<DeliveryAttempt> builder)
    {
        builder.ToTable("alert_delivery_attempts", table => table.ExcludeFromMigrations());
        builder.Property(a => a.Id).UseIdentityAlwaysColumn();
    }
}

internal static class DeliveryQueries
{
    /// <summary>The organisation's own.</summary>
    public static IQueryable<Delivery> Deliveries(this CityDb db)
    {
        var organization = db.OrganizationId;
        return db.Set<Delivery>().Where(d => d.OrganizationId == organization);
    }
}
