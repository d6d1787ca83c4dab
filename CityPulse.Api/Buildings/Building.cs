using CityPulse.Api.Data;

namespace CityPulse.Api.Buildings;

internal sealed class Building : TenantEntity
{
    public required string Name { get; set; }
    public string? Code { get; set; }
    public required string Use { get; set; }
    public string? Street { get; set; }
    public string? City { get; set; }
    public string? PostalCode { get; set; }
    public string? Country { get; set; }
    /// <summary>Degrees east, WGS 84.</summary>
    public double? Longitude { get; set; }
    /// <summary>Degrees north, WGS 84.</summary>
    public double? Latitude { get; set; }
    public double FloorAreaM2 { get; set; }
    public int? Floors { get; set; }
    public int? YearBuilt { get; set; }
    /// <summary>IANA name, such as <c>Europe/Berlin</c>.</summary>
    public required string TimeZone { get; set; }
    public string[] Tags { get; set; } = [];
    public Guid? TariffId { get; set; }
    public double? CarbonIntensityKgPerKwh { get; set; }
    /// <summary>Whose emission factors count where the building has none of its own.</summary>
    public string? EmissionRegion { get; set; }
}
