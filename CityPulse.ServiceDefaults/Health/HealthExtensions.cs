using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Health;

internal static class HealthExtensions
{
    public static WebApplicationBuilder AddHealth(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ServiceIdentity>();
        builder.Services.AddSingleton<ShutdownState>();
        builder.Services.AddSingleton<ResponseTimes>();
        builder.Services.AddHealthChecks()
            .AddCheck<MemoryCheck>(HealthNames.Memory)
            .AddCheck<ResponseTimeCheck>(HealthNames.ResponseTime);
        builder.Services.AddSingleton<IPostConfigureOptions<HealthCheckServiceOptions>, BoundedChecks>();
        return builder;
    }
}
