using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Readings.Retention;

/// <summary>How long an organisation keeps its readings. One row an organisation, from its first decision on.</summary>
internal sealed class RetentionSetting : TenantEntity
{
    /// <summary>Null is the default of the installation.</summary>
    public int? Months { get; set; }
}

internal sealed class RetentionSettingConfiguration : IEntityTypeConfiguration<RetentionSetting>
{
    public void Configure(EntityTypeBuilder<RetentionSetting> builder)
    {
        builder.ToTable("retention_settings");
        builder.HasIndex(s => s.OrganizationId).IsUnique();
    }
}
