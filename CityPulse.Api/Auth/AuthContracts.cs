using System.Text.Json.Serialization;
using CityPulse.Contracts;

namespace CityPulse.Api.Auth;

// The requests' members may be missing as far as JSON goes, so that what is missing is told in one answer with all else that is
// wrong. They print as their name only: no log line can ever hold a password or a token.

public sealed record RegisterRequest(string? OrganizationName, string? Email, string? Password, string? DisplayName)
{
    public override string ToString() => nameof(RegisterRequest);
}

public sealed record LoginRequest(string? Email, string? Password, Guid? OrganizationId, bool? UseCookies)
{
    public override string ToString() => nameof(LoginRequest);
}

public sealed record RefreshRequest(string? RefreshToken)
{
    public override string ToString() => nameof(RefreshRequest);
}

public sealed record SwitchRequest(Guid? OrganizationId);

/// <param name="ExpiresIn">Seconds until the access token ends.</param>
/// <param name="RefreshToken">Absent when it travels in the cookie.</param>
internal sealed record SessionResponse(
    string AccessToken,
    string TokenType,
    int ExpiresIn,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RefreshToken,
    SessionUser User)
{
    public override string ToString() => nameof(SessionResponse);
}

internal sealed record SessionUser(Guid Id, string Email, string DisplayName, Role Role, Guid OrganizationId, string OrganizationName);

/// <param name="Frontend">The frontend that the token belongs to or the header names; null for servers.</param>
/// <param name="Permissions">What role and frontend together allow.</param>
internal sealed record MeResponse(MeUser User, MeOrganization Organization, Role Role, Frontend? Frontend, IReadOnlyList<Permission> Permissions);

internal sealed record MeUser(Guid Id, string Email, string DisplayName);

internal sealed record MeOrganization(Guid Id, string Name);

/// <param name="Current">Whether the access token is for this one.</param>
internal sealed record MembershipResponse(Guid Id, string Name, Role Role, bool Current);

internal sealed record MembershipsResponse(IReadOnlyList<MembershipResponse> Items, string? NextCursor);
