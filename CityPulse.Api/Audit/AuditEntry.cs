using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace CityPulse.Api.Audit;

/// <summary>Who did, or tried to do, what to which resource, from where. Never what a request or an answer held.</summary>
internal sealed class AuditEntry
{
    public const string Succeeded = "succeeded";
    public const string Refused = "refused";

    public Guid Id { get; init; }
    public Guid OrganizationId { get; init; }
    public DateTimeOffset At { get; init; }
    /// <summary>The person; null when it was a device.</summary>
    public Guid? UserId { get; init; }
    public Guid? DeviceKeyId { get; init; }
    /// <summary>As <see cref="Domain.AuditAction"/> names it.</summary>
    public required string Action { get; init; }
    /// <summary>Path of what it was done to; of what it made, when it made something.</summary>
    public required string Resource { get; init; }
    public required string Outcome { get; init; }
    public int Status { get; init; }
    public string? Frontend { get; init; }
    public string? ClientIp { get; init; }
    public string? RequestId { get; init; }
    /// <summary>What the status does not tell.</summary>
    public string? Detail { get; init; }
}

internal sealed class AuditEntryConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    public void Configure(EntityTypeBuilder<AuditEntry> builder)
    {
        builder.ToTable("audit_log");
        builder.HasKey(a => a.Id);
        builder.Property(a => a.Id).ValueGeneratedNever();
        builder.HasIndex(a => new { a.OrganizationId, a.At, a.Id }).IsDescending(false, true, true);
    }
}
