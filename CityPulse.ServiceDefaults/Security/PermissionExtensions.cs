using CityPulse.Contracts;
using Microsoft.AspNetCore.Builder;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Marks endpoints with the right that they ask for.</summary>
public static class PermissionExtensions
{
    /// <summary>Only callers whose role and frontend both hold <paramref name="permission"/> get in.</summary>
    public static TBuilder RequirePermission<TBuilder>(this TBuilder builder, Permission permission)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(PermissionRequirement.PolicyName(permission));
}
