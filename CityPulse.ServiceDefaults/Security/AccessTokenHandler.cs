using System.Security.Claims;
using System.Text.Encodings.Web;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Revocations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Microsoft.Net.Http.Headers;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>The scheme of the access tokens, the default one in every service.</summary>
public static class AccessTokens
{
    public const string Scheme = "Bearer";

    internal const string Prefix = "Bearer ";
}

/// <summary>A feature of requests that were refused since their session has ended: whose it was.</summary>
public sealed record EndedSession(Caller Caller);

/// <summary>
/// Bearer authentication with access tokens. Not JwtBearer's handler: that one learns of a new key only by failing a request, and
/// verifies the signature anew at every call, which costs more than a hot read itself.
/// </summary>
internal sealed class AccessTokenHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> schemeOptions,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    IOptions<AccessTokenOptions> options,
    IAccessTokenKeys keys,
    VerifiedTokens verified,
    IRevocations revocations,
    TimeProvider time)
    : AuthenticationHandler<AuthenticationSchemeOptions>(schemeOptions, loggers, encoder)
{
    private const int LongestToken = 8 * 1024;

    private static readonly JsonWebTokenHandler Tokens = new() { MapInboundClaims = false };

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (ReadToken() is not { } token)
        {
            return AuthenticateResult.NoResult();
        }

        if (token.Length > LongestToken)
        {
            return AuthenticateResult.Fail("The access token is too long.");
        }

        IReadOnlyList<SecurityKey> known;
        try
        {
            known = await keys.GetAsync(refresh: false, Context.RequestAborted);
            if (verified.Find(token, known) is { } entry)
            {
                return await AdmitAsync(entry);
            }

            return await VerifyAsync(token, known);
        }
        catch (Exception e) when (e is AccessTokenKeysUnavailableException or RevocationsUnavailableException)
        {
            Logger.LogError(e, "No access token can be judged: {Reason}", e.Message);
            return AuthenticateResult.Fail(e);
        }
    }

    private async Task<AuthenticateResult> VerifyAsync(string token, IReadOnlyList<SecurityKey> known)
    {
        JsonWebToken parsed;
        try
        {
            parsed = Tokens.ReadJsonWebToken(token);
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException)
        {
            return AuthenticateResult.Fail("The access token is not a token.");
        }

        // Judged before any key is looked for: "none" and HMAC tokens must not even cause a fetch.
        if (parsed.Alg != SecurityAlgorithms.EcdsaSha256 || string.IsNullOrEmpty(parsed.Kid))
        {
            return AuthenticateResult.Fail("The access token is not signed as ours are.");
        }

        var key = FindKey(known, parsed.Kid);
        if (key is null)
        {
            known = await keys.GetAsync(refresh: true, Context.RequestAborted);
            key = FindKey(known, parsed.Kid);
        }

        if (key is null)
        {
            return AuthenticateResult.Fail("The access token is signed with an unknown key.");
        }

        var result = await Tokens.ValidateTokenAsync(parsed, Parameters(key));
        if (!result.IsValid)
        {
            return AuthenticateResult.Fail(result.Exception is SecurityTokenExpiredException
                ? "The access token has expired."
                : "The access token is not valid.");
        }

        // A token that names no session could not be taken back.
        if (!new ClaimsPrincipal(result.ClaimsIdentity).TryGetCaller(out var caller) || caller.FamilyId is null)
        {
            return AuthenticateResult.Fail("The access token does not say whose it is.");
        }

        var principal = new CallerPrincipal(result.ClaimsIdentity, caller);
        return await AdmitAsync(verified.Remember(token, known, principal, parsed.ValidTo));
    }

    /// <summary>A good token of a session that has ended opens nothing.</summary>
    private async ValueTask<AuthenticateResult> AdmitAsync(VerifiedTokens.Entry entry)
    {
        var caller = entry.Principal.Caller;
        if (caller.FamilyId is { } family && !await revocations.IsRevokedAsync(family, Context.RequestAborted))
        {
            return await entry.Admitted;
        }

        Context.Features.Set(new EndedSession(caller));
        return AuthenticateResult.Fail("The session has ended. Sign in again.");
    }

    private TokenValidationParameters Parameters(SecurityKey key) => new()
    {
        AuthenticationType = AccessTokens.Scheme,
        IssuerSigningKey = key,
        ValidIssuer = options.Value.Issuer,
        ValidAudience = options.Value.Audience,
        ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
        NameClaimType = CityClaims.Subject,
        RoleClaimType = CityClaims.Role,
        RequireExpirationTime = true,
        RequireSignedTokens = true,
        TryAllIssuerSigningKeys = false,
        LifetimeValidator = (notBefore, expires, _, _) =>
        {
            var now = time.GetUtcNow().UtcDateTime;
            var skew = TimeSpan.FromSeconds(options.Value.ClockSkewSeconds);
            return expires + skew > now
                ? notBefore is null || notBefore - skew <= now
                : throw new SecurityTokenExpiredException();
        },
    };

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        if (result.Failure is AccessTokenKeysUnavailableException or RevocationsUnavailableException)
        {
            Response.Headers.RetryAfter = "1";
            await Problems.Of(StatusCodes.Status503ServiceUnavailable, "Access tokens cannot be verified right now. Try again.")
                .ExecuteAsync(Context);
            return;
        }

        Response.Headers.Append(HeaderNames.WWWAuthenticate, result.Failure is { } failure
            ? $"Bearer error=\"invalid_token\", error_description=\"{failure.Message}\""
            : "Bearer");
        await Problems.Of(
            StatusCodes.Status401Unauthorized,
            result.Failure?.Message ?? "Send an access token in the header Authorization: Bearer.").ExecuteAsync(Context);
    }

    private string? ReadToken()
    {
        string? header = Request.Headers.Authorization;
        if (header is not null)
        {
            return header.StartsWith(AccessTokens.Prefix, StringComparison.OrdinalIgnoreCase) ? header[AccessTokens.Prefix.Length..].Trim() : null;
        }

        foreach (var path in options.Value.QueryTokenPaths)
        {
            if (Request.Path.StartsWithSegments(path) && Request.Query["access_token"] is [{ Length: > 0 } fromQuery])
            {
                return fromQuery;
            }
        }

        return null;
    }

    private static SecurityKey? FindKey(IReadOnlyList<SecurityKey> keys, string keyId)
    {
        for (var i = 0; i < keys.Count; i++)
        {
            if (string.Equals(keys[i].KeyId, keyId, StringComparison.Ordinal))
            {
                return keys[i];
            }
        }

        return null;
    }
}
