using System.Security.Claims;
using CityPulse.Contracts;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Who calls, read from a validated access token.</summary>
public readonly record struct Caller(Guid UserId, Guid OrganizationId, Role Role, Frontend? Frontend)
{
    /// <summary>The token family that the access token belongs to: what <c>IRevocations</c> knows sessions by.</summary>
    public Guid? FamilyId { get; init; }
}

/// <summary>A principal of a token that was judged: who it is was read once, and is asked for many times in every request.</summary>
internal sealed class CallerPrincipal(ClaimsIdentity identity, Caller caller) : ClaimsPrincipal(identity)
{
    public Caller Caller => caller;

    public string UserId { get; } = caller.UserId.ToString();

    public string OrganizationId { get; } = caller.OrganizationId.ToString();
}

/// <summary>Reads a <see cref="Caller"/> from a principal.</summary>
public static class CallerExtensions
{
    /// <summary>The caller of an authenticated request.</summary>
    /// <exception cref="InvalidOperationException">The principal carries no user and organisation: an endpoint without a policy.</exception>
    public static Caller GetCaller(this ClaimsPrincipal principal) => principal.TryGetCaller(out var caller)
        ? caller
        : throw new InvalidOperationException("The endpoint asks for a caller but lets requests without one in.");

    /// <summary>The token family that an access token belongs to.</summary>
    public static Guid? GetFamily(this ClaimsPrincipal principal) => principal is CallerPrincipal { Caller: var known }
        ? known.FamilyId
        : Guid.TryParse(principal.FindFirstValue(CityClaims.Family), out var family) ? family : null;

    public static bool TryGetCaller(this ClaimsPrincipal principal, out Caller caller)
    {
        if (principal is CallerPrincipal judged)
        {
            caller = judged.Caller;
            return true;
        }

        caller = default;
        if (!Guid.TryParse(principal.FindFirstValue(CityClaims.Subject), out var user)
            || !Guid.TryParse(principal.FindFirstValue(CityClaims.Organization), out var organization)
            || !TryParseRole(principal.FindFirstValue(CityClaims.Role), out var role))
        {
            return false;
        }

        // A frontend that this version does not know must narrow to nothing, not to everything.
        Frontend? frontend = null;
        if (principal.FindFirstValue(CityClaims.Frontend) is { } claimed)
        {
            if (!FrontendNames.TryParse(claimed, out var known))
            {
                return false;
            }

            frontend = known;
        }

        caller = new Caller(user, organization, role, frontend) { FamilyId = principal.GetFamily() };
        return true;
    }

    private static bool TryParseRole(string? text, out Role role)
    {
        foreach (var candidate in Roles)
        {
            if (string.Equals(text, candidate.Name, StringComparison.OrdinalIgnoreCase))
            {
                role = candidate.Role;
                return true;
            }
        }

        role = default;
        return false;
    }

    // Not Enum.TryParse, which also takes numbers.
    private static readonly (string Name, Role Role)[] Roles = [.. Enum.GetValues<Role>().Select(r => (r.ToString(), r))];
}
