using CityPulse.Api.Http;
using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Buildings;

/// <summary>What a client writes of a building; absent or null is nothing.</summary>
public sealed record BuildingRequest
{
    /// <summary>Required.</summary>
    public string? Name { get; init; }
    public string? Code { get; init; }
    /// <summary>Required: <c>office</c>, <c>school</c>, ….</summary>
    public string? Use { get; init; }
    public AddressModel? Address { get; init; }
    public PointModel? Location { get; init; }
    /// <summary>Required, above 0.</summary>
    public double? FloorAreaM2 { get; init; }
    public int? Floors { get; init; }
    public int? YearBuilt { get; init; }
    /// <summary>Required: IANA name, such as <c>Europe/Berlin</c>.</summary>
    public string? TimeZone { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }
    public Guid? TariffId { get; init; }
    /// <summary>The building's own kg CO₂e per kWh; it goes before every factor of its region.</summary>
    public double? CarbonIntensityKgPerKwh { get; init; }
    /// <summary>The region of the emission factors that count where the building has none of its own.</summary>
    public string? EmissionRegion { get; init; }
}

public sealed record AddressModel(string? Street = null, string? City = null, string? PostalCode = null, string? Country = null);

/// <summary>GeoJSON Point (RFC 7946): <c>coordinates</c> are longitude, latitude.</summary>
public sealed record PointModel(string? Type, IReadOnlyList<double>? Coordinates);

/// <summary>Filters of the list of buildings.</summary>
/// <param name="Bbox"><c>minLon,minLat,maxLon,maxLat</c>; minLon above maxLon crosses the antimeridian.</param>
/// <param name="Near"><c>lon,lat</c>, with <paramref name="RadiusM"/>; answers nearest first.</param>
public sealed record BuildingFilter(
    [FromQuery(Name = "q")] string? Q,
    [FromQuery(Name = "use")] string? Use,
    [FromQuery(Name = "tag")] string? Tag,
    [FromQuery(Name = "bbox")] string? Bbox,
    [FromQuery(Name = "near")] string? Near,
    [FromQuery(Name = "radiusM")] double? RadiusM,
    [FromQuery(Name = "limit")] int? Limit,
    [FromQuery(Name = "cursor")] string? Cursor);

internal sealed record BuildingResponse(
    Guid Id,
    string Name,
    string? Code,
    string Use,
    AddressModel? Address,
    PointModel? Location,
    double FloorAreaM2,
    int? Floors,
    int? YearBuilt,
    string TimeZone,
    IReadOnlyList<string> Tags,
    Guid? TariffId,
    double? CarbonIntensityKgPerKwh,
    string? EmissionRegion,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    int Version)
{
    public string ETag() => ETags.Of(Id, Version);
}

/// <summary>A page of buildings as GeoJSON; <c>nextCursor</c> is a foreign member, as RFC 7946 allows.</summary>
internal sealed record BuildingFeatureCollection(string Type, IReadOnlyList<BuildingFeature> Features, string? NextCursor)
{
    public static BuildingFeatureCollection Of(Page<BuildingResponse> page) =>
        new("FeatureCollection", [.. page.Items.Select(BuildingFeature.Of)], page.NextCursor);
}

internal sealed record BuildingFeature(string Type, Guid Id, PointModel? Geometry, BuildingProperties Properties)
{
    public static BuildingFeature Of(BuildingResponse b) => new("Feature", b.Id, b.Location, new(
        b.Name, b.Code, b.Use, b.Address, b.FloorAreaM2, b.Floors, b.YearBuilt, b.TimeZone, b.Tags, b.TariffId,
        b.CarbonIntensityKgPerKwh, b.EmissionRegion, b.CreatedAt, b.UpdatedAt, b.Version));
}

internal sealed record BuildingProperties(
    string Name,
    string? Code,
    string Use,
    AddressModel? Address,
    double FloorAreaM2,
    int? Floors,
    int? YearBuilt,
    string TimeZone,
    IReadOnlyList<string> Tags,
    Guid? TariffId,
    double? CarbonIntensityKgPerKwh,
    string? EmissionRegion,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    int Version);
