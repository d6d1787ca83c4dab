using CityPulse.Contracts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// Says yes at once to callers whose policy asks for nothing but permissions that the <see cref="AccessTable"/> gives them: the framework
/// would ask a handful of handlers for the same answer. Every no is the framework's, which finds the reasons.
/// </summary>
internal sealed class KnownRights(IAuthorizationService authorization) : PolicyEvaluator(authorization)
{
    private static readonly Task<PolicyAuthorizationResult> Granted = Task.FromResult(PolicyAuthorizationResult.Success());

    public override Task<PolicyAuthorizationResult> AuthorizeAsync(
        AuthorizationPolicy policy, AuthenticateResult authenticationResult, HttpContext context, object? resource) =>
        authenticationResult.Succeeded && context.User is CallerPrincipal { Caller: var caller }
        && IsGranted(policy.Requirements, caller, context.Request.Headers[CityHeaders.FrontendSource].ToString())
            ? Granted
            : base.AuthorizeAsync(policy, authenticationResult, context, resource);

    private static bool IsGranted(IReadOnlyList<IAuthorizationRequirement> requirements, Caller caller, string frontend)
    {
        for (var i = 0; i < requirements.Count; i++)
        {
            // A caller is no stranger; whatever else is asked for is not ours to judge.
            if (requirements[i] is not DenyAnonymousAuthorizationRequirement
                && !(requirements[i] is PermissionRequirement { Permission: var permission } && PermissionHandler.Refusal(caller, frontend, permission) is null))
            {
                return false;
            }
        }

        return true;
    }
}
