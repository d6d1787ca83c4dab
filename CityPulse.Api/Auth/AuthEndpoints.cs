using CityPulse.Api.Audit;
using CityPulse.Api.Auth.Domain;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace CityPulse.Api.Auth;

/// <summary>Signing up, in and out. Who one is and where one may go stands in <see cref="MeEndpoints"/>.</summary>
internal static class AuthEndpoints
{
    // One sentence for every reason, so that it gives none away.
    private const string WrongCredentials =
        "The e-mail address or the password is wrong, or signing in is locked for a while after too many failures.";

    public static IEndpointRouteBuilder MapAuth(this IEndpointRouteBuilder app)
    {
        var auth = app.MapGroup("/api/v1/auth").WithTags("Auth").AddEndpointFilter(NoStore);
        MapRegister(auth, MayRegister(app.ServiceProvider)).AllowAnonymous().WithName("Register")
            .WithSummary("Makes an organisation and its first administrator, where registration is on.").Refuses(400, 409, 415);
        auth.MapPost("/login", Login).AllowAnonymous().WithName("Login")
            .WithSummary("Signs in; one message and one duration for every reason not to. With useCookies the refresh token comes as a cookie.")
            .Refuses(400, 415);
        auth.MapPost("/refresh", Refresh).AllowAnonymous().WithoutAudit().WithName("Refresh")
            .WithSummary("Spends a refresh token, from the body or the cookie, for a new session. A spent one that comes back ends all that followed from it.")
            .Refuses(400, 415);
        auth.MapPost("/logout", Logout).AllowAnonymous().WithName("Logout")
            .WithSummary("Ends the session of the access token, of the cookie, or of both, in every service.").Refuses();
        auth.MapMe();
        app.MapGet("/.well-known/jwks.json", Jwks.Get).WithTags("Auth").AllowAnonymous().WithName("GetKeys")
            .WithSummary("The public keys that access tokens are verified with: the signing one, and those that come and go.");
        app.MapRevocations();
        return app;
    }

    // Chosen when routes are mapped: a body that nobody will look at must not be read first.
    private static RouteHandlerBuilder MapRegister(RouteGroupBuilder auth, bool allowed) => allowed
        ? auth.MapPost("/register", Register)
        : auth.MapPost("/register", RegistrationIsOff);

    private static bool MayRegister(IServiceProvider services) =>
        services.GetRequiredService<IOptions<AuthOptions>>().Value.AllowRegistration
        ?? services.GetRequiredService<IHostEnvironment>().IsDevelopment();

    private static ProblemHttpResult RegistrationIsOff() => Problems.Of(
        StatusCodes.Status403Forbidden, "Registration is off here. Ask an administrator of your organisation to invite you.");

    private static async Task<Results<Created<SessionResponse>, ProblemHttpResult>> Register(
        RegisterRequest request, HttpContext context, Accounts accounts, Sessions sessions, TokenIssuer tokens, CancellationToken cancellationToken)
    {
        if (RegistrationErrors(request) is { Count: > 0 } errors)
        {
            return Problems.Validation(errors);
        }

        var organization = accounts.AddOrganization(request.OrganizationName!.Trim());
        var user = await accounts.AddUserAsync(
            organization, request.Email!, PasswordPolicy.Prepare(request.Password!), request.DisplayName!.Trim(), Role.Admin);
        if (user is null || !await accounts.TrySaveAsync(cancellationToken))
        {
            return Problems.Conflict("There is an account with this e-mail address already. Sign in instead.");
        }

        var member = new Member(user.Id, user.Email!, user.DisplayName, Role.Admin, organization.Id, organization.Name);
        context.AuditAs(member.OrganizationId, member.UserId);
        var session = await sessions.StartAsync(member, FrontendOf(context), proof: null, cancellationToken)
            ?? throw new InvalidOperationException("The new account is gone.");
        return TypedResults.Created("/api/v1/auth/me", await AnswerAsync(session, tokens, context, inCookie: false, cancellationToken));
    }

    private static Dictionary<string, string[]> RegistrationErrors(RegisterRequest request)
    {
        var errors = new Dictionary<string, string[]>();
        Add("organizationName", AccountText.NameRefusal(request.OrganizationName, "organisation's name"));
        Add("email", AccountText.EmailRefusal(request.Email));
        Add("displayName", AccountText.NameRefusal(request.DisplayName, "display name"));
        Add("password", string.IsNullOrEmpty(request.Password)
            ? "The password is missing."
            : PasswordPolicy.Refusal(
                PasswordPolicy.Prepare(request.Password), request.Email ?? "", request.DisplayName ?? "", request.OrganizationName ?? ""));
        return errors;

        void Add(string path, string? refusal)
        {
            if (refusal is not null)
            {
                errors[path] = [refusal];
            }
        }
    }

    private static async Task<Results<Ok<SessionResponse>, ProblemHttpResult>> Login(
        LoginRequest request, HttpContext context, SignIn signIn, Sessions sessions, TokenIssuer tokens, CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string[]>();
        if (string.IsNullOrEmpty(request.Email))
        {
            errors["email"] = ["The e-mail address is missing."];
        }

        if (string.IsNullOrEmpty(request.Password))
        {
            errors["password"] = ["The password is missing."];
        }

        if (errors.Count > 0)
        {
            return Problems.Validation(errors);
        }

        var verdict = await signIn.CheckAsync(request.Email!, request.Password!, request.OrganizationId, cancellationToken);
        if (verdict.Named is { } named)
        {
            context.AuditAs(named.OrganizationId, named.UserId, verdict.Why);
        }

        var session = verdict is { Named: { } member, Proof: { } proof }
            ? await sessions.StartAsync(member, FrontendOf(context), proof, cancellationToken)
            : null;
        return session is null
            ? Unauthorized(context, WrongCredentials)
            : TypedResults.Ok(await AnswerAsync(session, tokens, context, request.UseCookies == true, cancellationToken));
    }

    private static async Task<Results<Ok<SessionResponse>, ProblemHttpResult>> Refresh(
        RefreshRequest? request, HttpContext context, Sessions sessions, TokenIssuer tokens, CancellationToken cancellationToken)
    {
        var inCookie = request?.RefreshToken is null;
        var token = request?.RefreshToken ?? RefreshCookie.Read(context.Request);
        if (token is null)
        {
            return Unauthorized(context, "Send the refresh token in the body or in its cookie.");
        }

        if (inCookie && !await RefreshCookie.IsOriginAllowedAsync(context))
        {
            return Problems.Of(StatusCodes.Status403Forbidden, "The cookie counts only with an allowed Origin.");
        }

        var (outcome, session, owner) = await sessions.RefreshAsync(token, FrontendOf(context), cancellationToken);
        if (owner is not null)
        {
            context.AuditAs(owner.OrganizationId, owner.UserId, outcome == RefreshOutcome.RevokeFamily
                ? "A spent refresh token came back, so it was stolen or copied: its session has been ended."
                : null);
        }

        if (session is not null)
        {
            return TypedResults.Ok(await AnswerAsync(session, tokens, context, inCookie, cancellationToken));
        }

        if (outcome == RefreshOutcome.OtherFrontend)
        {
            return Problems.Of(StatusCodes.Status403Forbidden, "The refresh token was issued to another frontend than X-Frontend-Source names.");
        }

        // After a race the cookie jar holds the winner's token already: it must stay.
        if (inCookie && outcome != RefreshOutcome.RefuseRace)
        {
            RefreshCookie.Delete(context.Response);
        }

        return Unauthorized(context, outcome == RefreshOutcome.RefuseRace
            ? "Another request has just spent this refresh token. Use the one that it was answered with."
            : "The refresh token is not valid any more. Sign in again.");
    }

    /// <summary>Ends the session of the access token, of the cookie, or of both.</summary>
    private static async Task<Results<NoContent, ProblemHttpResult>> Logout(HttpContext context, Sessions sessions, CancellationToken cancellationToken)
    {
        var families = new HashSet<Guid>();
        if (context.User.GetFamily() is { } ofToken)
        {
            families.Add(ofToken);
        }

        var cookie = RefreshCookie.Read(context.Request);
        if (cookie is not null && await RefreshCookie.IsOriginAllowedAsync(context))
        {
            RefreshCookie.Delete(context.Response);
            if (await sessions.OwnerOfAsync(cookie, cancellationToken) is { } owner)
            {
                families.Add(owner.FamilyId);
                context.AuditAs(owner.OrganizationId, owner.UserId);
            }
        }

        if (families.Count == 0)
        {
            return Unauthorized(context, "Send the access token or the cookie of the session that is to end.");
        }

        foreach (var family in families)
        {
            await sessions.RevokeAsync(family, "logout", cancellationToken);
        }

        return TypedResults.NoContent();
    }

    internal static async Task<SessionResponse> AnswerAsync(
        OpenSession session, TokenIssuer tokens, HttpContext context, bool inCookie, CancellationToken cancellationToken)
    {
        if (inCookie)
        {
            RefreshCookie.Write(context.Response, session.RefreshToken, session.RefreshExpiresAt);
        }

        var m = session.Member;
        return new SessionResponse(
            await tokens.IssueAsync(m, session.FamilyId, session.Frontend, cancellationToken),
            "Bearer",
            tokens.ExpiresInSeconds,
            inCookie ? null : session.RefreshToken,
            new SessionUser(m.UserId, m.Email, m.DisplayName, m.Role, m.OrganizationId, m.OrganizationName));
    }

    internal static ProblemHttpResult Unauthorized(HttpContext context, string detail)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Problems.Of(StatusCodes.Status401Unauthorized, detail);
    }

    private static string? FrontendOf(HttpContext context) =>
        FrontendNames.TryParse(context.Request.Headers[CityHeaders.FrontendSource].ToString(), out var frontend) ? FrontendNames.Of(frontend) : null;

    private static ValueTask<object?> NoStore(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        context.HttpContext.Response.Headers[HeaderNames.CacheControl] = "no-store";
        return next(context);
    }
}
