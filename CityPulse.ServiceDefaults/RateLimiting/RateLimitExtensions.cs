using CityPulse.ServiceDefaults.Redis;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.RateLimiting;

internal static class RateLimitExtensions
{
    public static void AddRateLimits(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RateLimitOptions>().ValidateOnStart();
        builder.Services.AddSingleton<IConfigureOptions<RateLimitOptions>, RateLimitSetup>();
        builder.Services.AddSingleton<IValidateOptions<RateLimitOptions>, RateLimitOptionsValidator>();
        builder.Services.AddSingleton<RedisReach>();
        builder.Services.AddSingleton<SharedWindows>();
        builder.Services.AddMeasures<RateLimitMetrics>();
    }

    public static void UseRateLimits(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<RateLimitOptions>>().Value.Enabled)
        {
            app.UseMiddleware<RateLimitGate>();
        }
    }
}
