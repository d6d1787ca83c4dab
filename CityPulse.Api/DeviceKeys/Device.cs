using System.Collections.Frozen;
using System.Security.Claims;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;

namespace CityPulse.Api.DeviceKeys;

/// <summary>A device, by its key.</summary>
/// <param name="Buildings">The buildings whose sensors it may write; null: all.</param>
internal sealed record Device(Guid KeyId, Guid OrganizationId, FrozenSet<Guid>? Buildings, DateTimeOffset? ExpiresAt);

/// <summary>A device that has shown a good key. It is no member: it has no role, only the right to store readings.</summary>
internal sealed class DeviceIdentity(Device device) : ClaimsIdentity(
    [
        new Claim(CityClaims.DeviceKey, device.KeyId.ToString()),
        new Claim(CityClaims.Organization, device.OrganizationId.ToString()),
        new Claim(CityScopes.Claim, nameof(Permission.Ingest)),
    ],
    DeviceKeyHandler.Scheme)
{
    public Device Device => device;
}
