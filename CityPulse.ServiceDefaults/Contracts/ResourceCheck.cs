namespace CityPulse.Contracts;

/// <summary>Asks which of these an organisation has.</summary>
public sealed record ResourcesRequest(Guid OrganizationId, IReadOnlyList<Guid> Buildings, IReadOnlyList<Guid> Sensors);

/// <summary>Those of the request that are there.</summary>
public sealed record ResourcesResponse(IReadOnlyList<Guid> Buildings, IReadOnlyList<Guid> Sensors);
