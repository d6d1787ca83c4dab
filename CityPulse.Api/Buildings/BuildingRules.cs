using System.Text.Json;
using System.Text.Json.Nodes;
using CityPulse.Api.Http;

namespace CityPulse.Api.Buildings;

/// <summary>What a building must be, and how a request becomes one.</summary>
internal static class BuildingRules
{
    public const int MaxText = 200;
    public const int MaxCountry = 100;
    /// <summary>The largest building of the world has under two million; a campus may be entered as one.</summary>
    public const double MaxFloorAreaM2 = 1e8;
    public const int MaxFloors = 300;
    public const int MinYearBuilt = 1000;
    /// <summary>Buildings are entered before they are finished.</summary>
    public const int YearsAhead = 10;
    public const double MaxCarbonIntensity = 10;

    /// <summary>Members of the resource that clients read and never write.</summary>
    public static readonly string[] ReadOnly = ["id", "createdAt", "updatedAt", "version"];

    public static Validator Check(BuildingRequest request, DateTimeOffset now)
    {
        var check = new Validator();
        check.Required("name", request.Name, MaxText);
        check.Optional("code", request.Code, MaxText);
        check.Check(request.Use is not null, "use", "use is required.");
        check.OneOf("use", request.Use, BuildingUses.All);
        CheckAddress(check, request.Address);
        CheckLocation(check, request.Location);
        check.Check(request.FloorAreaM2 is not null, "floorAreaM2", "floorAreaM2 is required.");
        check.Positive("floorAreaM2", request.FloorAreaM2, MaxFloorAreaM2);
        check.Range("floors", request.Floors, 1, MaxFloors);
        check.Range("yearBuilt", request.YearBuilt, MinYearBuilt, now.Year + YearsAhead);
        CheckTimeZone(check, request.TimeZone);
        check.Tags("tags", request.Tags);
        check.Range("carbonIntensityKgPerKwh", request.CarbonIntensityKgPerKwh, 0, MaxCarbonIntensity);
        check.Optional("emissionRegion", request.EmissionRegion, MaxCountry);
        return check;
    }

    /// <summary>Writes a request that <see cref="Check"/> found good.</summary>
    public static void Write(this Building building, BuildingRequest request)
    {
        building.Name = request.Name!;
        building.Code = request.Code;
        building.Use = request.Use!;
        building.Street = request.Address?.Street;
        building.City = request.Address?.City;
        building.PostalCode = request.Address?.PostalCode;
        building.Country = request.Address?.Country;
        building.Longitude = request.Location?.Coordinates![0];
        building.Latitude = request.Location?.Coordinates![1];
        building.FloorAreaM2 = request.FloorAreaM2!.Value;
        building.Floors = request.Floors;
        building.YearBuilt = request.YearBuilt;
        building.TimeZone = request.TimeZone!;
        building.TariffId = request.TariffId;
        building.CarbonIntensityKgPerKwh = request.CarbonIntensityKgPerKwh;
        building.EmissionRegion = request.EmissionRegion;
        if (!building.Tags.SequenceEqual(request.Tags ?? []))
        {
            building.Tags = [.. request.Tags ?? []];
        }
    }

    /// <summary>The request that a merge patch makes of a building.</summary>
    public static Parsed<BuildingRequest> Patch(Building building, JsonObject patch, JsonSerializerOptions options)
    {
        var shown = BuildingQueries.Shape(building);
        return MergePatch.Apply(
            new BuildingRequest
            {
                Name = shown.Name,
                Code = shown.Code,
                Use = shown.Use,
                Address = shown.Address,
                Location = shown.Location,
                FloorAreaM2 = shown.FloorAreaM2,
                Floors = shown.Floors,
                YearBuilt = shown.YearBuilt,
                TimeZone = shown.TimeZone,
                Tags = shown.Tags,
                TariffId = shown.TariffId,
                CarbonIntensityKgPerKwh = shown.CarbonIntensityKgPerKwh,
                EmissionRegion = shown.EmissionRegion,
            },
            patch,
            options);
    }

    private static void CheckAddress(Validator check, AddressModel? address)
    {
        check.Optional("address.street", address?.Street, MaxText);
        check.Optional("address.city", address?.City, MaxText);
        check.Optional("address.postalCode", address?.PostalCode, MaxCountry);
        check.Optional("address.country", address?.Country, MaxCountry);
    }

    private static void CheckLocation(Validator check, PointModel? location)
    {
        if (location is null)
        {
            return;
        }

        check.Check(location.Type == "Point", "location.type", "location must be a GeoJSON Point: its type must be \"Point\".");
        if (check.Check(location.Coordinates is { Count: 2 }, "location.coordinates", "location.coordinates must be [longitude, latitude]."))
        {
            check.Range("location.coordinates[0]", location.Coordinates![0], -180, 180);
            check.Range("location.coordinates[1]", location.Coordinates[1], -90, 90);
        }
    }

    private static void CheckTimeZone(Validator check, string? timeZone)
    {
        if (timeZone is null)
        {
            check.Fail("timeZone", "timeZone is required.");
        }
        else
        {
            check.Check(IsIanaZone(timeZone), "timeZone", "timeZone must be the name of an IANA time zone, such as Europe/Berlin.");
        }
    }

    /// <summary>
    /// The exact name of a zone. The system's database also answers to names in the wrong case, to Windows' names, and
    /// to files that are no zone of a place.
    /// </summary>
    private static bool IsIanaZone(string name) =>
        name.Length <= MaxText
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '+')
        && !name.StartsWith("posix", StringComparison.Ordinal) && !name.StartsWith("right/", StringComparison.Ordinal)
        && name is not ("localtime" or "Factory")
        && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone)
        && zone.HasIanaId && zone.Id == name;
}
