using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// The fallback policy: an endpoint that says neither who may come in nor that anybody may lets nobody in. Requests that no route
/// takes are not its business; they end as 404 or 405.
/// </summary>
internal sealed class DenyByDefault : AuthorizationHandler<DenyByDefault>, IAuthorizationRequirement
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, DenyByDefault requirement)
    {
        if (context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint)
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }
}
