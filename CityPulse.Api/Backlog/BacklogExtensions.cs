using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.Api.Backlog;

internal static class BacklogExtensions
{
    /// <summary>Figures of what waits: events, rollups, alerts to judge, deliveries.</summary>
    public static WebApplicationBuilder AddBacklog(this WebApplicationBuilder builder)
    {
        builder.Services.AddMeasures<BacklogMetrics>();
        builder.Services.AddHostedService<BacklogWatch>();
        return builder;
    }
}
