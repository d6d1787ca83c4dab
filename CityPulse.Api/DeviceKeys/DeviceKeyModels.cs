using System.Globalization;
using CityPulse.Api.Http;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.DeviceKeys;

public sealed record DeviceKeyRequest
{
    /// <summary>Required: which device it is for.</summary>
    public string? Name { get; init; }
    /// <summary>The buildings whose sensors it may write; absent: all of the organisation's, later ones included.</summary>
    public IReadOnlyList<Guid>? BuildingIds { get; init; }
    /// <summary>From when on it is refused; absent: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <param name="Hint">The beginning of the key, to tell keys apart.</param>
/// <param name="LastUsedAt">May lag by a minute.</param>
internal sealed record DeviceKeyResponse(
    Guid Id, string Name, string Hint, IReadOnlyList<Guid>? BuildingIds, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Version)
{
    public static DeviceKeyResponse Of(DeviceKey k) =>
        new(k.Id, k.Name, k.Hint, k.BuildingIds, k.ExpiresAt, k.LastUsedAt, k.CreatedAt, k.UpdatedAt, k.Version);

    /// <summary>Being used changes what is shown, but is no change of the key.</summary>
    public string ETag() => ETags.Of(Id, Version, LastUsedAt?.UtcTicks.ToString("x", CultureInfo.InvariantCulture));
}

/// <param name="Key">The key itself. It is shown here and never again.</param>
internal sealed record NewDeviceKeyResponse(
    Guid Id, string Name, string Key, string Hint, IReadOnlyList<Guid>? BuildingIds, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Version)
{
    public static NewDeviceKeyResponse Of(DeviceKey k, string key) =>
        new(k.Id, k.Name, key, k.Hint, k.BuildingIds, k.ExpiresAt, k.LastUsedAt, k.CreatedAt, k.UpdatedAt, k.Version);

    public override string ToString() => nameof(NewDeviceKeyResponse);
}

internal static class DeviceKeyRules
{
    public const int MaxText = 200;
    private const int MaxBuildings = 1000;

    public static Validator Check(DeviceKeyRequest request, DateTimeOffset now)
    {
        var check = new Validator();
        check.Required("name", request.Name, MaxText);
        check.Check(request.ExpiresAt is not { } end || end > now, "expiresAt", "expiresAt must be in the future.");
        if (request.BuildingIds is { } buildings)
        {
            check.Check(buildings.Count > 0, "buildingIds", "buildingIds must name a building; leave it out for all.");
            check.Check(buildings.Count <= MaxBuildings, "buildingIds", $"buildingIds must have at most {MaxBuildings} entries.");
            check.Check(buildings.Distinct().Count() == buildings.Count, "buildingIds", "buildingIds must not name a building twice.");
        }

        return check;
    }

    /// <summary>Foreign buildings are told like missing ones.</summary>
    public static async Task CheckBuildingsAsync(
        Validator check, IQueryable<Guid> own, IReadOnlyList<Guid> buildings, CancellationToken cancellationToken)
    {
        var found = await own.Where(id => buildings.Contains(id)).ToListAsync(cancellationToken);
        for (var i = 0; i < buildings.Count; i++)
        {
            check.Check(found.Contains(buildings[i]), $"buildingIds[{i.ToString(CultureInfo.InvariantCulture)}]", "There is no such building.");
        }
    }
}
