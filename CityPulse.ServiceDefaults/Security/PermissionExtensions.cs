using CityPulse.Contracts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Marks endpoints with the right that they ask for.</summary>
public static class PermissionExtensions
{
    /// <summary>Only callers whose role and frontend both hold <paramref name="permission"/> get in.</summary>
    public static TBuilder RequirePermission<TBuilder>(this TBuilder builder, Permission permission)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(PermissionRequirement.PolicyName(permission));

    /// <summary>The same for a caller who comes in by another way than a request's headers, as inside a WebSocket.</summary>
    public static Task<AuthorizationResult> AuthorizeAsync(this IAuthorizationService service, HttpContext context, Permission permission) =>
        service.AuthorizeAsync(context.User, context, PermissionRequirement.PolicyName(permission));
}
