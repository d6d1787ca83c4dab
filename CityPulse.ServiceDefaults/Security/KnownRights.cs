using System.Runtime.CompilerServices;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// Says yes at once to callers of endpoints that ask for nothing but permissions, which the <see cref="AccessTable"/> gives them: the framework
/// would ask a handful of handlers for the same answer. Every no is the framework's, which finds the reasons, and so is every other demand.
/// </summary>
internal static class KnownRights
{
    private static readonly Permission[] All = Enum.GetValues<Permission>();
    private static readonly ConditionalWeakTable<Endpoint, Demand> Demands = [];

    /// <param name="Permissions">Null where something else is asked for as well, or nothing.</param>
    private sealed record Demand(Permission[]? Permissions);

    public static bool Grants(HttpContext context)
    {
        if (context.User is not CallerPrincipal { Caller: var caller } || context.GetEndpoint() is not { } endpoint
            || Demands.GetValue(endpoint, Of).Permissions is not { } permissions)
        {
            return false;
        }

        var frontend = context.Request.Headers[CityHeaders.FrontendSource].ToString();
        foreach (var permission in permissions)
        {
            if (PermissionHandler.Refusal(caller, frontend, permission) is not null)
            {
                return false;
            }
        }

        return true;
    }

    private static Demand Of(Endpoint endpoint)
    {
        var metadata = endpoint.Metadata;
        var asked = metadata.GetOrderedMetadata<IAuthorizeData>();
        if (asked.Count == 0 || metadata.GetMetadata<IAllowAnonymous>() is not null || metadata.GetMetadata<AuthorizationPolicy>() is not null
            || metadata.GetMetadata<IAuthorizationRequirementData>() is not null)
        {
            return new Demand(null);
        }

        var permissions = new List<Permission>();
        foreach (var one in asked)
        {
            var at = Array.FindIndex(All, permission => PermissionRequirement.PolicyName(permission) == one.Policy);
            if (at < 0 || one is not { Roles: null or "", AuthenticationSchemes: null or "" })
            {
                return new Demand(null);
            }

            permissions.Add(All[at]);
        }

        return new Demand([.. permissions]);
    }
}
