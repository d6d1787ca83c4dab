using CityPulse.ServiceDefaults.Compression;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Health;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.RateLimiting;
using CityPulse.ServiceDefaults.Revocations;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CityPulse.ServiceDefaults;

/// <summary>What every service of CityPulse has in common: one call to add, one to map.</summary>
public static class Extensions
{
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder)
    {
        ProbeSwitch.EndIfAsked(builder.Configuration);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddHosting();
        builder.AddServiceTelemetry();
        builder.AddErrors();
        builder.AddSecurity();
        builder.AddRevocations();
        builder.AddRateLimits();
        builder.AddHealth();
        return builder;
    }

    /// <summary>
    /// Call it right after <c>Build()</c>, before anything else is used or mapped. The order counts: what is outer sees what inner
    /// parts answered, and a caller is known before limits and rights are looked at.
    /// </summary>
    public static WebApplication MapServiceDefaults(this WebApplication app)
    {
        // Uptime counts from here.
        _ = app.Services.GetRequiredService<ServiceIdentity>();
        app.UseTrustedForwardedHeaders();
        app.UseMiddleware<RequestEnvelope>();
        app.UseHead();
        app.UseExceptionHandler();
        app.UseInternalPort();
        app.UseHttps();
        app.UseFeatureSwitches();
        app.UseMiddleware<ResponseCompressor>();
        app.UseRoutingBlindToContentTypes();
        app.UseCors();
        app.UseAccessTokens();
        app.UseRateLimits();
        app.UsePermissions();
        app.UseMiddleware<FrontendSource>();
        app.UseWhen(static context => !PlainBodies.IsPlain(context), static bodies =>
        {
            bodies.UseContentTypes();
            bodies.UseAnnouncedBodyLimits();
            bodies.UseContentEncodings();
            bodies.UseCountedBodyLimits();
        });

        app.MapHealth();
        app.MapMetrics();
        return app;
    }
}
