using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Revocations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Requests with a token that <see cref="VerifiedTokens"/> holds, as nearly all have, of which nothing needs to be asked or waited for.</summary>
internal sealed class KnownTokens(IAccessTokenKeys keys, VerifiedTokens verified, IRevocations revocations)
{
    /// <summary>Null where the request shows anything else than a good token that is known here.</summary>
    public VerifiedTokens.Entry? Find(IHeaderDictionary headers) =>
        headers.Authorization is [{ } sent] && sent.StartsWith(AccessTokens.Prefix, StringComparison.Ordinal)
        && headers[CityHeaders.ApiKey].Count == 0
        && keys.Known is { } known && verified.Find(sent.AsSpan(AccessTokens.Prefix.Length), known) is { Principal.Caller.FamilyId: { } family } entry
        && revocations.IsCurrent && !revocations.IsKnown(family)
            ? entry
            : null;

    /// <summary>Says who calls, where that is known.</summary>
    public bool Admit(HttpContext context)
    {
        if (Find(context.Request.Headers) is not { } entry)
        {
            return false;
        }

        context.User = entry.Principal;
        return true;
    }
}

/// <summary>The same for those who ask by themselves who calls: the framework would make a handler for it.</summary>
internal sealed class KnownCallers(
    IAuthenticationSchemeProvider schemes,
    IAuthenticationHandlerProvider handlers,
    IClaimsTransformation transform,
    IOptions<AuthenticationOptions> options,
    KnownTokens tokens)
    : AuthenticationService(schemes, handlers, transform, options)
{
    public override Task<AuthenticateResult> AuthenticateAsync(HttpContext context, string? scheme) =>
        (scheme is null or AccessTokens.Scheme ? tokens.Find(context.Request.Headers)?.Admitted : null) ?? base.AuthenticateAsync(context, scheme);
}
