using System.Security.Claims;
using CityPulse.Contracts;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Who calls, read from a validated access token.</summary>
public readonly record struct Caller(Guid UserId, Guid OrganizationId, Role Role, Frontend? Frontend);

/// <summary>Reads a <see cref="Caller"/> from a principal.</summary>
public static class CallerExtensions
{
    /// <summary>The caller of an authenticated request.</summary>
    /// <exception cref="InvalidOperationException">The principal carries no user and organisation: an endpoint without a policy.</exception>
    public static Caller GetCaller(this ClaimsPrincipal principal) => principal.TryGetCaller(out var caller)
        ? caller
        : throw new InvalidOperationException("The endpoint asks for a caller but lets requests without one in.");

    public static bool TryGetCaller(this ClaimsPrincipal principal, out Caller caller)
    {
        caller = default;
        if (!Guid.TryParse(principal.FindFirstValue(CityClaims.Subject), out var user)
            || !Guid.TryParse(principal.FindFirstValue(CityClaims.Organization), out var organization)
            || !Enum.TryParse<Role>(principal.FindFirstValue(CityClaims.Role), ignoreCase: true, out var role))
        {
            return false;
        }

        Frontend? frontend = Enum.TryParse<Frontend>(principal.FindFirstValue(CityClaims.Frontend), ignoreCase: true, out var f) ? f : null;
        caller = new Caller(user, organization, role, frontend);
        return true;
    }
}
