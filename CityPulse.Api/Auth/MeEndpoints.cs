using System.Security.Claims;
using CityPulse.Api.Audit;
using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Auth;

/// <summary>Who the caller is, and which organisations are open to them.</summary>
internal static class MeEndpoints
{
    private const string SessionEnded = "The session has ended. Sign in again.";

    public static void MapMe(this IEndpointRouteBuilder auth)
    {
        auth.MapGet("/me", Me).RequireAuthorization().WithName("GetMe").WithSummary("Who the caller is, and what role and frontend together allow.");
        auth.MapGet("/organizations", Organizations).RequireAuthorization().WithName("ListMyOrganizations").WithSummary("The organisations that the caller may enter.");
        auth.MapPost("/switch", Switch).RequireAuthorization().WithName("SwitchOrganization").WithSummary("A session in another of the caller's organisations.")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Ok<MeResponse>, ProblemHttpResult>> Me(HttpContext context, CityDb db, CancellationToken cancellationToken)
    {
        var caller = context.User.GetCaller();
        var family = context.User.GetFamily();
        var me = await (
            from m in db.Memberships
            where m.UserId == caller.UserId && m.DisabledAt == null
            join u in db.Users on m.UserId equals u.Id
            join o in db.Organizations on m.OrganizationId equals o.Id
            where db.TokenFamilies.Any(f => f.Id == family && f.RevokedAt == null)
            select new { User = new MeUser(u.Id, u.Email!, m.DisplayName ?? u.DisplayName), Organization = new MeOrganization(o.Id, o.Name) })
            .FirstOrDefaultAsync(cancellationToken);
        if (me is null)
        {
            return AuthEndpoints.Unauthorized(context, SessionEnded);
        }

        // The token's role, not the stored one: it says what this token can do.
        var frontend = context.GetFrontend();
        return TypedResults.Ok(new MeResponse(
            me.User, me.Organization, caller.Role, frontend, [.. AccessTable.Permissions(caller.Role, frontend)]));
    }

    // The caller's places in all organisations: the one list that goes beyond the token's.
    private static async Task<Ok<MembershipsResponse>> Organizations(
        ClaimsPrincipal principal, IServiceScopeFactory scopes, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateCrossTenantScope();
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        var caller = principal.GetCaller();
        var items = await (
            from m in db.Memberships.IgnoreQueryFilters([CityDb.TenantFilter])
            where m.UserId == caller.UserId && m.DisabledAt == null
            join o in db.Organizations on m.OrganizationId equals o.Id
            orderby o.Name, o.Id
            select new MembershipResponse(o.Id, o.Name, m.Role, o.Id == caller.OrganizationId))
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(new MembershipsResponse(items, NextCursor: null));
    }

    /// <summary>A session of its own in the other organisation. A body session stays as it was; a cookie holds one session, so the old one ends.</summary>
    private static async Task<Results<Ok<SessionResponse>, ProblemHttpResult>> Switch(
        SwitchRequest request, HttpContext context, IServiceScopeFactory scopes, Sessions sessions, TokenIssuer tokens, CancellationToken cancellationToken)
    {
        if (request.OrganizationId is not { } target)
        {
            return Problems.Validation("organizationId", "The organisation's id is missing.");
        }

        // The other organisation is beyond what the caller's requests may see.
        await using var scope = scopes.CreateCrossTenantScope();
        var db = scope.ServiceProvider.GetRequiredService<CityDb>();
        var caller = context.User.GetCaller();
        var family = context.User.GetFamily();
        if (!await db.TokenFamilies.AnyAsync(f => f.Id == family && f.RevokedAt == null, cancellationToken))
        {
            return AuthEndpoints.Unauthorized(context, SessionEnded);
        }

        var member = await (
            from m in db.Memberships.IgnoreQueryFilters([CityDb.TenantFilter])
            where m.UserId == caller.UserId && m.OrganizationId == target && m.DisabledAt == null
            join u in db.Users on m.UserId equals u.Id
            join o in db.Organizations on m.OrganizationId equals o.Id
            select new Member(u.Id, u.Email!, m.DisplayName ?? u.DisplayName, m.Role, o.Id, o.Name))
            .FirstOrDefaultAsync(cancellationToken);
        if (member is null)
        {
            return Problems.NotFound("organisation");
        }

        var frontend = caller.Frontend is { } issuedTo ? FrontendNames.Of(issuedTo) : null;
        var session = await sessions.StartAsync(member, frontend, proof: null, cancellationToken);
        if (session is null)
        {
            return AuthEndpoints.Unauthorized(context, SessionEnded);
        }

        // Signing in there is that organisation's to know.
        context.AuditAs(member.OrganizationId, member.UserId);
        var inCookie = RefreshCookie.Read(context.Request) is { } cookie && (await sessions.OwnerOfAsync(cookie, cancellationToken))?.FamilyId == family;
        if (inCookie)
        {
            await sessions.RevokeAsync(family!.Value, "switch", cancellationToken);
        }

        return TypedResults.Ok(await AuthEndpoints.AnswerAsync(session, tokens, context, inCookie, cancellationToken));
    }
}
