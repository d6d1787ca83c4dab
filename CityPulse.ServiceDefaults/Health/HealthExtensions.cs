using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.ServiceDefaults.Health;

internal static class HealthExtensions
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    public static WebApplicationBuilder AddHealth(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ServiceIdentity>();
        builder.Services.AddSingleton<ShutdownState>();
        builder.Services.AddSingleton<ResponseTimes>();
        builder.Services.AddHealthChecks()
            .AddCheck<MemoryCheck>(HealthNames.Memory, timeout: Longest)
            .AddCheck<ResponseTimeCheck>(HealthNames.ResponseTime, timeout: Longest);
        return builder;
    }
}
