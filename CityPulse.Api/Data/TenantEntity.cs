namespace CityPulse.Api.Data;

/// <summary>What every mutable resource of an organisation has. <see cref="Version"/> guards concurrent changes and makes the ETag.</summary>
internal abstract class TenantEntity
{
    public Guid Id { get; init; }
    public Guid OrganizationId { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; set; }
    public int Version { get; set; }
}
