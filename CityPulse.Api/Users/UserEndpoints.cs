using CityPulse.Api.Auth;
using CityPulse.Api.Auth.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Api.Organizations;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Users;

/// <summary>The members of an organisation, for its administrators only.</summary>
internal static class UserEndpoints
{
    public const string Route = "/api/v1/users";

    private const string LastAdmin = "The organisation would be left without an administrator who can sign in. Make another member one first.";

    private static readonly User Nobody = new() { DisplayName = "" };

    public static IEndpointRouteBuilder MapUsers(this IEndpointRouteBuilder app)
    {
        var users = app.MapGroup(Route).WithTags("Users").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes))
            .RequirePermission(Permission.Administer);

        users.MapGet("/", ListAsync).WithName("ListUsers").WithSummary("The organisation's members, in the order in which they joined.")
            .ReadsConditionally().Refuses(400);
        users.MapPost("/", InviteAsync).WithName("InviteUser")
            .WithSummary("Adds a member, with a new account or, when the address has one, with that account and its password.")
            .AcceptIdempotencyKey().Refuses(400, 409, 415);
        users.MapGet("/{id:guid}", GetAsync).WithName("GetUser").WithSummary("One member.")
            .ReadsConditionally().Refuses(404);
        users.MapPatch("/{id:guid}", PatchAsync).WithName("PatchUser")
            .WithSummary("Changes a member's role or name, or disables them (JSON merge patch). Another role counts from the next refresh on.")
            .Accepts<UserChangeRequest>(MediaTypes.MergePatch, MediaTypes.Json)
            .Refuses(400, 404, 409, 412, 415, 428);
        users.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteUser").WithSummary("Removes a member and ends their sessions in the organisation.")
            .Refuses(400, 404, 409, 412);
        return app;
    }

    private static async Task<Results<Read<Page<UserResponse>>, ProblemHttpResult>> ListAsync(
        int? limit, string? cursor, CityDb db, Cursors cursors, CancellationToken cancellationToken)
    {
        var (page, problem) = PageStart<IdKey>.From(cursors, new CursorScope(db.OrganizationId, Route), limit, cursor);
        if (page is null)
        {
            return problem!;
        }

        var rows = await Members.ListAsync(db, page.After, page.Fetch, cancellationToken);
        var found = page.ToPage(rows, row => new IdKey(row.MembershipId));
        return Answers.Read(new Page<UserResponse>([.. found.Items.Select(row => row.User)], found.NextCursor));
    }

    private static async Task<Results<Added<UserResponse>, ProblemHttpResult>> InviteAsync(
        UserRequest request, CityDb db, Accounts accounts, IPasswordHasher<User> hasher, CancellationToken cancellationToken)
    {
        var check = UserRules.Check(request);
        if (check.Failed)
        {
            return check.ToProblem();
        }

        // Hashed for people with an account too: the time must not tell whether there is one.
        var hash = hasher.HashPassword(Nobody, PasswordPolicy.Prepare(request.Password!));
        return await db.InTransactionAsync<Results<Added<UserResponse>, ProblemHttpResult>>(
            async token =>
            {
                var name = request.DisplayName!.Trim();
                var userId = await accounts.FindOrAddUserAsync(request.Email!, hash, name, token);
                if (await db.Memberships.AnyAsync(m => m.UserId == userId, token))
                {
                    return AlreadyMember();
                }

                var member = new Membership { UserId = userId, Role = request.Role!.Value, DisplayName = name };
                db.Add(member);
                if (await db.TrySaveAsync(token) is not null)
                {
                    return AlreadyMember();
                }

                var row = (await Members.FindAsync(db, userId, token))!;
                return Answers.Created($"{Route}/{userId}", row.User, row.ETag());
            },
            cancellationToken);
    }

    private static async Task<Results<Read<UserResponse>, ProblemHttpResult>> GetAsync(Guid id, CityDb db, CancellationToken cancellationToken) =>
        await Members.FindAsync(db, id, cancellationToken) is { } row ? Answers.Read(row.User, row.ETag()) : Problems.NotFound("user");

    private static async Task<Results<Changed<UserResponse>, ProblemHttpResult>> PatchAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, RevocationNews news, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var (patch, problem) = await Bodies.ReadMergePatchAsync<UserChangeRequest>(http);
        if (patch is null)
        {
            return problem!;
        }

        var ended = false;
        var answer = await db.InTransactionAsync<Results<Changed<UserResponse>, ProblemHttpResult>>(
            async token =>
            {
                if (await Members.LockAsync(db, id, token) is not { } member)
                {
                    return Problems.NotFound("user");
                }

                if (Preconditions.Require(ifMatch, member.Id, member.Version) is { } refusal)
                {
                    return refusal;
                }

                var current = (await Members.FindAsync(db, id, token))!.User;
                var (request, fault) = MergePatch.Apply(
                    new UserChangeRequest { Role = current.Role, Disabled = current.Disabled, DisplayName = current.DisplayName },
                    patch, Json.Options(http.HttpContext));
                if (request is null)
                {
                    return fault!;
                }

                var check = UserRules.Check(request);
                if (check.Failed)
                {
                    return check.ToProblem();
                }

                var isAdmin = request is { Role: Role.Admin, Disabled: false };
                if (!isAdmin && await Members.IsLastAdminAsync(db, member, token))
                {
                    return Problems.Conflict(LastAdmin);
                }

                ended = request.Disabled == true && member.DisabledAt is null;
                await WriteAsync(db, member, current, request, clock.GetUtcNow(), token);
                var row = (await Members.FindAsync(db, id, token))!;
                return Answers.Changed(row.User, row.ETag());
            },
            cancellationToken);
        if (ended && !Statuses.IsRefusal(answer))
        {
            await news.TellAsync();
        }

        return answer;
    }

    private static async Task WriteAsync(
        CityDb db, Membership member, UserResponse current, UserChangeRequest request, DateTimeOffset now, CancellationToken cancellationToken)
    {
        member.Role = request.Role!.Value;
        if (request.DisplayName!.Trim() is var name && name != current.DisplayName)
        {
            member.DisplayName = name;
        }

        if (request.Disabled == true && member.DisabledAt is null)
        {
            member.DisabledAt = now;
            await Members.EndSessionsAsync(db, member, "disabled", now, cancellationToken);
        }
        else if (request.Disabled == false)
        {
            member.DisabledAt = null;
        }

        await db.SaveChangesAsync(cancellationToken);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, CityDb db, RevocationNews news, TimeProvider clock, CancellationToken cancellationToken)
    {
        var answer = await db.InTransactionAsync<Results<NoContent, ProblemHttpResult>>(
            async token =>
            {
                if (await Members.LockAsync(db, id, token) is not { } member)
                {
                    return Problems.NotFound("user");
                }

                if (Preconditions.Check(ifMatch, member.Id, member.Version) is { } refusal)
                {
                    return refusal;
                }

                if (await Members.IsLastAdminAsync(db, member, token))
                {
                    return Problems.Conflict(LastAdmin);
                }

                // The account stays: it may be a member elsewhere, which is not for this organisation to know.
                await Members.EndSessionsAsync(db, member, "removed", clock.GetUtcNow(), token);
                db.Remove(member);
                await db.SaveChangesAsync(token);
                return TypedResults.NoContent();
            },
            cancellationToken);
        if (!Statuses.IsRefusal(answer))
        {
            await news.TellAsync();
        }

        return answer;
    }

    private static ProblemHttpResult AlreadyMember() => Problems.Conflict("The organisation has a member with this e-mail address already.");
}
