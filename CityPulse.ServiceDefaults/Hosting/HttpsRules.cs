using CityPulse.ServiceDefaults.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>
/// In Production, where HTTPS is configured, plain HTTP only says where it is: the public port redirects (307, so that a method and its
/// body are kept). Probes and the internal port stay as they are. Where a proxy ends TLS, <c>X-Forwarded-Proto</c> tells, if it may.
/// </summary>
internal static class HttpsRules
{
    public static void UseHttps(this WebApplication app)
    {
        if (!app.Environment.IsProduction() || !IsConfigured(app.Configuration))
        {
            return;
        }

        var port = app.Services.GetRequiredService<InternalPort>();
        app.UseWhen(
            context => !port.IsInternal(context) && !context.Request.Path.StartsWithSegments(HealthNames.Path),
            static branch => branch.UseHttpsRedirection());
    }

    /// <summary>Whether there is an HTTPS address: an own one, or <c>HTTPS_PORT</c> of a proxy before us.</summary>
    internal static bool IsConfigured(IConfiguration configuration) =>
        configuration["https_port"] is { Length: > 0 } || configuration["https_ports"] is { Length: > 0 }
        || configuration["urls"]?.Contains("https://", StringComparison.OrdinalIgnoreCase) == true
        || configuration.GetSection("Kestrel:Endpoints").GetChildren().Any(endpoint =>
            endpoint["Url"]?.StartsWith("https://", StringComparison.OrdinalIgnoreCase) == true);
}
