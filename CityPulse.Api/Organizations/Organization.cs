namespace CityPulse.Api.Organizations;

/// <summary>A tenant: everything else belongs to exactly one.</summary>
internal sealed class Organization
{
    public Guid Id { get; init; }
    public required string Name { get; set; }
    public DateTimeOffset CreatedAt { get; init; }
}
