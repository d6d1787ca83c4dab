using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>403 says what was missing; 401 is the authentication scheme's to answer.</summary>
internal sealed class Refusals : IAuthorizationMiddlewareResultHandler
{
    private readonly AuthorizationMiddlewareResultHandler _default = new();

    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult result)
    {
        if (!result.Forbidden)
        {
            return _default.HandleAsync(next, context, policy, result);
        }

        var reason = result.AuthorizationFailure?.FailureReasons.FirstOrDefault()?.Message ?? "You may not do this.";
        return Problems.Of(StatusCodes.Status403Forbidden, reason).ExecuteAsync(context);
    }
}
