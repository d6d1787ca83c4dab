using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>Where alerts are told to.</summary>
internal sealed class AlertChannel : TenantEntity
{
    public required string Name { get; set; }
    public ChannelType Type { get; set; }
    public string? Url { get; set; }
    public string? Recipient { get; set; }
    /// <summary>Sealed by <see cref="ChannelSecrets"/>; shown to nobody.</summary>
    public byte[]? Secret { get; set; }
    public AlertSeverity MinSeverity { get; set; }
    /// <summary>Null: of all buildings, later ones included.</summary>
    public Guid[]? BuildingIds { get; set; }
    /// <summary>Whether a flood of alerts comes as one message now and then.</summary>
    public bool GroupFloods { get; set; }
    /// <summary>Null: told at once. Else told of what nobody has acknowledged by then.</summary>
    public int? EscalateAfterMinutes { get; set; }
}

// The table is plain SQL (ChannelsMigration).
internal sealed class AlertChannelConfiguration : IEntityTypeConfiguration<AlertChannel>
{
    public void Configure(EntityTypeBuilder<AlertChannel> builder)
    {
        builder.ToTable("alert_channels", table => table.ExcludeFromMigrations());
        builder.Property(c => c.Type).HasConversion(new WordConverter<ChannelType>());
        builder.Property(c => c.MinSeverity).HasConversion(new WordConverter<AlertSeverity>());
    }
}
