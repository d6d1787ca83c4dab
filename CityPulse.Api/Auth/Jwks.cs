using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.IdentityModel.Tokens;
using Microsoft.Net.Http.Headers;

namespace CityPulse.Api.Auth;

internal sealed record JwksResponse(IReadOnlyList<JwksKey> Keys);

/// <summary>RFC 7517, the public half of a P-256 key.</summary>
internal sealed record JwksKey(string Kty, string Use, string Alg, string Kid, string Crv, string X, string Y);

internal static class Jwks
{
    /// <summary>The keys that access tokens are verified with. Shorter than the ring's own five minutes would only add calls.</summary>
    public static async Task<Ok<JwksResponse>> Get(IAccessTokenKeys keys, HttpContext context, CancellationToken cancellationToken)
    {
        var known = await keys.GetAsync(refresh: false, cancellationToken);
        context.Response.Headers[HeaderNames.CacheControl] = "public, max-age=300";
        return TypedResults.Ok(new JwksResponse([.. known.OfType<ECDsaSecurityKey>().Select(Describe)]));
    }

    private static JwksKey Describe(ECDsaSecurityKey key)
    {
        var point = key.ECDsa.ExportParameters(includePrivateParameters: false).Q;
        return new JwksKey("EC", "sig", SecurityAlgorithms.EcdsaSha256, key.KeyId, "P-256", Base64UrlEncoder.Encode(point.X), Base64UrlEncoder.Encode(point.Y));
    }
}
