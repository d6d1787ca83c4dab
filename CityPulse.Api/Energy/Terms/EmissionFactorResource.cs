using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Energy.Terms;

/// <summary>What a client writes of an emission factor.</summary>
public sealed record EmissionFactorRequest
{
    /// <summary>Required: the name that buildings give as their <c>emissionRegion</c>, such as <c>DE</c>.</summary>
    public string? Region { get; init; }
    /// <summary>Required: the calendar year, in the building's local time, whose energy it is for.</summary>
    public int? Year { get; init; }
    /// <summary><c>electricity</c> (default), <c>gas</c> or <c>heat</c>.</summary>
    public string? Carrier { get; init; }
    /// <summary>Required: <c>location</c> or <c>market</c> (GHG Protocol, Scope 2).</summary>
    public string? Method { get; init; }
    /// <summary>Required: who published it.</summary>
    public string? Source { get; init; }
    /// <summary>Required: kg CO₂e per kWh, 0 to 10.</summary>
    public double? KgPerKwh { get; init; }
}

internal sealed record EmissionFactorResponse(
    Guid Id, string Region, int Year, string Carrier, string Method, string Source, double KgPerKwh,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Version) : ITermsResponse;

/// <summary>What an emission factor must be, and how a request becomes one.</summary>
internal sealed class EmissionFactorResource()
    : TermsResource<EmissionFactor, EmissionFactorRequest, EmissionFactorResponse>(Route, "emission factor")
{
    public const string Route = "/api/v1/citypulse/energy/factors";
    public const int MaxRegion = 100;
    public const int MinYear = 1990;
    public const int MaxYear = 2100;
    public const double MaxKgPerKwh = 10;

    protected override Validator Check(EmissionFactorRequest request)
    {
        var check = new Validator();
        check.Required("region", request.Region, MaxRegion);
        check.Check(request.Year is >= MinYear and <= MaxYear, "year", $"year must be given, from {MinYear} to {MaxYear}.");
        check.OneOf("carrier", request.Carrier, EnergyUnits.Carriers);
        check.Check(request.Method is not null, "method", "method is required.");
        check.OneOf("method", request.Method, EmissionMethods.All);
        check.Required("source", request.Source, MaxText);
        check.Check(request.KgPerKwh is not null, "kgPerKwh", "kgPerKwh is required.");
        check.Range("kgPerKwh", request.KgPerKwh, 0, MaxKgPerKwh);
        return check;
    }

    protected override EmissionFactor Create(EmissionFactorRequest request)
    {
        var factor = new EmissionFactor { Region = "", Carrier = "", Method = "", Source = "" };
        Write(factor, request);
        return factor;
    }

    protected override void Write(EmissionFactor entity, EmissionFactorRequest request)
    {
        entity.Region = request.Region!;
        entity.Year = request.Year!.Value;
        entity.Carrier = request.Carrier ?? EnergyUnits.Carriers[0];
        entity.Method = request.Method!;
        entity.Source = request.Source!;
        entity.KgPerKwh = request.KgPerKwh!.Value;
    }

    protected override EmissionFactorResponse Shape(EmissionFactor entity) => new(
        entity.Id, entity.Region, entity.Year, entity.Carrier, entity.Method, entity.Source, entity.KgPerKwh,
        entity.CreatedAt, entity.UpdatedAt, entity.Version);

    protected override EmissionFactorRequest ToRequest(EmissionFactor entity) => new()
    {
        Region = entity.Region,
        Year = entity.Year,
        Carrier = entity.Carrier,
        Method = entity.Method,
        Source = entity.Source,
        KgPerKwh = entity.KgPerKwh,
    };

    protected override ProblemHttpResult? RefusalOf(string constraint) => constraint == EmissionFactorConfiguration.OnlyOne
        ? Problems.Conflict("There is a factor of this region, year, carrier and method already.")
        : null;
}
