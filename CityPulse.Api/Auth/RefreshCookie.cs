using Microsoft.AspNetCore.Cors.Infrastructure;

namespace CityPulse.Api.Auth;

/// <summary>
/// The refresh token where scripts cannot read it. The browser sends it to <c>/api/v1/auth</c> only and never along with a foreign
/// site's request; on top of that, it counts only with an <c>Origin</c> that is our own or allowed by CORS.
/// </summary>
internal static class RefreshCookie
{
    /// <summary>Browsers take a name with this prefix from secure origins only.</summary>
    public const string Name = "__Secure-citypulse-refresh";

    private const string Path = "/api/v1/auth";

    public static string? Read(HttpRequest request) => request.Cookies[Name];

    public static void Write(HttpResponse response, string token, DateTimeOffset expiresAt) =>
        response.Cookies.Append(Name, token, Options(expiresAt));

    public static void Delete(HttpResponse response) => response.Cookies.Append(Name, "", Options(DateTimeOffset.UnixEpoch));

    public static async Task<bool> IsOriginAllowedAsync(HttpContext context)
    {
        if (context.Request.Headers.Origin is not [{ Length: > 0 } origin])
        {
            return false;
        }

        if (string.Equals(origin, $"{context.Request.Scheme}://{context.Request.Host}", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        var cors = context.RequestServices.GetService<ICorsPolicyProvider>();
        return cors is not null
            && await cors.GetPolicyAsync(context, policyName: null) is { SupportsCredentials: true } policy
            && policy.IsOriginAllowed(origin);
    }

    private static CookieOptions Options(DateTimeOffset expiresAt) => new()
    {
        HttpOnly = true,
        Secure = true,
        SameSite = SameSiteMode.Strict,
        Path = Path,
        Expires = expiresAt,
        IsEssential = true,
    };
}
