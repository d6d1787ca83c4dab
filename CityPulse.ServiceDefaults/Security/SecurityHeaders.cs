using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Primitives;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>Headers that tell browsers what our answers may be used for. An endpoint that set one itself keeps it.</summary>
internal sealed class SecurityHeaders(IHostEnvironment environment)
{
    private static readonly StringValues DefaultPolicy =
        "default-src 'self'; base-uri 'self'; object-src 'none'; form-action 'self'; frame-ancestors 'none'";

    private static readonly StringValues NoSniff = "nosniff";
    private static readonly StringValues NoFrames = "DENY";
    private static readonly StringValues NoReferrer = "no-referrer";
    private static readonly StringValues SameOrigin = "same-origin";
    private static readonly StringValues NoFeatures = "camera=(), geolocation=(), microphone=()";
    private static readonly StringValues OneYear = "max-age=31536000; includeSubDomains";

    private readonly bool _production = environment.IsProduction();

    public void Apply(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = NoSniff;
        headers.XFrameOptions = NoFrames;
        headers["Referrer-Policy"] = NoReferrer;
        headers["Cross-Origin-Opener-Policy"] = SameOrigin;
        headers["Permissions-Policy"] = NoFeatures;
        if (headers.ContentSecurityPolicy.Count == 0)
        {
            headers.ContentSecurityPolicy = context.GetEndpoint()?.Metadata.GetMetadata<ContentSecurityPolicy>()?.Value ?? DefaultPolicy;
        }

        if (_production && context.Request.IsHttps)
        {
            headers.StrictTransportSecurity = OneYear;
        }
    }
}

/// <summary>The policy of a page that cannot do with the default one.</summary>
internal sealed record ContentSecurityPolicy(StringValues Value);

/// <summary>Marks pages with a policy of their own.</summary>
public static class SecurityHeadersExtensions
{
    public static TBuilder WithContentSecurityPolicy<TBuilder>(this TBuilder builder, string policy)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ContentSecurityPolicy(policy));
}
