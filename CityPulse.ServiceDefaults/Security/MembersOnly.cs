using Microsoft.AspNetCore.Authorization;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>The default policy, of endpoints that ask for no permission: any member, but no device.</summary>
internal sealed class MembersOnly : AuthorizationHandler<MembersOnly>, IAuthorizationRequirement
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, MembersOnly requirement)
    {
        if (context.User.TryGetCaller(out _))
        {
            context.Succeed(requirement);
        }
        else
        {
            context.Fail(new AuthorizationFailureReason(this, "This is for people who have signed in."));
        }

        return Task.CompletedTask;
    }
}
