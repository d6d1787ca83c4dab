using CityPulse.Contracts;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// Origins whose pages may call us: <c>Cors:Frontends:&lt;name&gt;</c> (a list, or one text with commas), <c>ALLOWED_ORIGINS</c> on top, and
/// in Development <c>http://localhost</c> on any port.
/// </summary>
public sealed class AllowedOrigins
{
    private readonly HashSet<string> _origins = new(StringComparer.OrdinalIgnoreCase);
    private readonly bool _development;

    public AllowedOrigins(IConfiguration configuration, IHostEnvironment environment)
    {
        _development = environment.IsDevelopment();
        foreach (var frontend in configuration.GetSection("Cors:Frontends").GetChildren())
        {
            if (!FrontendNames.TryParse(frontend.Key, out _))
            {
                throw new OptionsValidationException(
                    frontend.Path, typeof(AllowedOrigins), [$"{frontend.Path} names no frontend; there are citypulse, flowmind, quantum, velocity."]);
            }

            Add(frontend.Path, frontend.Value);
            foreach (var item in frontend.GetChildren())
            {
                Add(item.Path, item.Value);
            }
        }

        Add("ALLOWED_ORIGINS", configuration["ALLOWED_ORIGINS"]);
    }

    /// <summary>Whether pages of <paramref name="origin"/> (scheme, host and port) may call.</summary>
    public bool Allows(string origin) =>
        _origins.Contains(origin)
        || (_development && Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri is { Scheme: "http", Host: "localhost", AbsolutePath: "/", UserInfo: "" });

    /// <summary>
    /// For WebSockets, which browsers do not put under CORS: whether a request comes from an allowed origin, from our own, or from no
    /// browser at all.
    /// </summary>
    public bool Allows(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0 || Allows(origin)
            // Not the scheme: the service behind the edge does not see the one that the browser used.
            || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    private void Add(string key, string? list)
    {
        foreach (var origin in list?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
        {
            // "*" above all: with credentials allowed it would open us to every page in the world.
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.PathAndQuery != "/")
            {
                throw new OptionsValidationException(
                    key, typeof(AllowedOrigins), [$"{key} must list origins such as https://city.example, but has \"{origin}\"."]);
            }

            _origins.Add(uri.GetLeftPart(UriPartial.Authority));
        }
    }
}

/// <summary>The one CORS policy.</summary>
internal sealed class CorsSetup(AllowedOrigins origins) : IConfigureOptions<CorsOptions>
{
    public void Configure(CorsOptions options) => options.AddDefaultPolicy(policy => policy
        .SetIsOriginAllowed(origins.Allows)
        .AllowAnyMethod()
        .AllowAnyHeader()
        .AllowCredentials()
        .SetPreflightMaxAge(TimeSpan.FromMinutes(10))
        .WithExposedHeaders(
            "ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotency-Replayed", CityHeaders.RequestId, CityHeaders.ErrorId));
}
