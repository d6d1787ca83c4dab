using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Revocations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// A shorter way in for tokens that <see cref="VerifiedTokens"/> holds, which nearly all requests bring: the framework makes a handler for
/// each request, which costs more than to look the token up. Where anything has to be asked, waited for or refused, its way is taken.
/// </summary>
internal sealed class KnownCallers(
    IAuthenticationSchemeProvider schemes,
    IAuthenticationHandlerProvider handlers,
    IClaimsTransformation transform,
    IOptions<AuthenticationOptions> options,
    IAccessTokenKeys keys,
    VerifiedTokens verified,
    IRevocations revocations)
    : AuthenticationService(schemes, handlers, transform, options)
{
    public override Task<AuthenticateResult> AuthenticateAsync(HttpContext context, string? scheme) =>
        (scheme is null or AccessTokens.Scheme ? Known(context.Request.Headers) : null) ?? base.AuthenticateAsync(context, scheme);

    /// <summary>Null where the request shows anything else than a good token that is known here.</summary>
    private Task<AuthenticateResult>? Known(IHeaderDictionary headers) =>
        headers.Authorization is [{ } sent] && sent.StartsWith(AccessTokens.Prefix, StringComparison.Ordinal)
        && headers[CityHeaders.ApiKey].Count == 0
        && keys.Known is { } known && verified.Find(sent.AsSpan(AccessTokens.Prefix.Length), known) is { Principal.Caller.FamilyId: { } family } entry
        && revocations.IsCurrent && !revocations.IsKnown(family)
            ? entry.Admitted
            : null;
}
