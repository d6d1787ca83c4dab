using System.Security.Claims;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Security;

internal sealed class PermissionRequirement(Permission permission) : IAuthorizationRequirement
{
    public Permission Permission => permission;

    public static string PolicyName(Permission permission) => permission.ToString();
}

/// <summary>Looks the caller up in the <see cref="AccessTable"/>.</summary>
internal sealed class PermissionHandler(IHttpContextAccessor accessor) : AuthorizationHandler<PermissionRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, PermissionRequirement requirement)
    {
        // A hub's calls bring no HttpContext as their resource; the connection's own is still the current one.
        var frontend = (context.Resource as HttpContext ?? accessor.HttpContext)?.Request.Headers[CityHeaders.FrontendSource];
        if (Refusal(context.User, frontend?.ToString(), requirement.Permission) is { } reason)
        {
            context.Fail(new AuthorizationFailureReason(this, reason));
        }
        else
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }

    /// <summary>Why the caller may not, or null.</summary>
    private static string? Refusal(ClaimsPrincipal user, string? header, Permission permission)
    {
        if (user.TryGetCaller(out var caller))
        {
            return Refusal(caller, header, permission);
        }

        // A device has no role: its key says itself what it may do.
        return user.HasClaim(CityScopes.Claim, permission.ToString()) ? null : $"{Sentence(permission)} is not allowed with this key.";
    }

    /// <summary>The same for somebody who has signed in.</summary>
    internal static string? Refusal(Caller caller, string? header, Permission permission)
    {
        if (!AccessTable.Allows(caller.Role, null, permission))
        {
            return $"{Sentence(permission)} is not allowed for the role {caller.Role}.";
        }

        if (caller.Frontend is { } issuedTo && !AccessTable.Allows(issuedTo, permission))
        {
            return $"{Sentence(permission)} is not allowed from the frontend {FrontendNames.Of(issuedTo)}.";
        }

        return FrontendNames.TryParse(header, out var used) && !AccessTable.Allows(used, permission)
            ? $"{Sentence(permission)} is not allowed from the frontend {FrontendNames.Of(used)}."
            : null;
    }

    private static string Sentence(Permission permission) => permission switch
    {
        Permission.ReadCity => "Reading the city",
        Permission.WriteCity => "Changing the city",
        Permission.Ingest => "Storing readings",
        Permission.AcknowledgeAlerts => "Acknowledging alerts",
        Permission.UseAi => "Using the assistant",
        Permission.ReadSwarm => "Seeing swarm runs",
        Permission.RunSwarm => "Running swarms",
        Permission.Realtime => "The live stream",
        Permission.Administer => "Administering the organisation",
        _ => "This call",
    };
}

/// <summary>Rights of a principal that is no member, as a device is: one claim for each <see cref="Permission"/>.</summary>
public static class CityScopes
{
    public const string Claim = "scope";
}
