using CityPulse.Api.DeviceKeys;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Authorization;

namespace CityPulse.Api.Data;

/// <summary>Where a scope gets its organisation from.</summary>
internal static class TenantScopes
{
    /// <summary>
    /// Requests: the authenticated caller's organisation. Comes after authentication. Endpoints for everybody work for none, whatever
    /// token came along: who registers with somebody's token makes a new organisation.
    /// </summary>
    public static IApplicationBuilder UseTenant(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null && context.User.TryGetCaller(out var caller))
        {
            context.RequestServices.GetRequiredService<TenantContext>().Set(caller.OrganizationId);
        }

        else if (context.User.Identity is DeviceIdentity { Device: var device })
        {
            context.RequestServices.GetRequiredService<TenantContext>().Set(device.OrganizationId);
        }

        return next(context);
    });

    /// <summary>Background work: a scope of its own that works for <paramref name="organizationId"/>.</summary>
    public static AsyncServiceScope CreateTenantScope(this IServiceScopeFactory scopes, Guid organizationId)
    {
        var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Set(organizationId);
        return scope;
    }

    /// <summary>
    /// Work across organisations: the scope's <see cref="CityDb"/> logs in as the role that sees all rows. For background work and for the
    /// few requests that look beyond the caller's organisation on purpose; each use wants a reason.
    /// </summary>
    public static AsyncServiceScope CreateCrossTenantScope(this IServiceScopeFactory scopes)
    {
        var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().CrossOrganizations();
        return scope;
    }
}
