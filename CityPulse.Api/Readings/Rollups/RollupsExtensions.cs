using CityPulse.Api.Readings.Ingest;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.Api.Readings.Rollups;

internal static class RollupsExtensions
{
    /// <summary>Rollups, which make answers over long periods cheap and never wrong.</summary>
    public static void AddRollups(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RollupOptions>().BindConfiguration(RollupOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<RollupSignal>();
        builder.Services.AddMeasures<RollupMetrics>();
        builder.Services.AddSingleton<RollupReader>();
        builder.Services.AddSingleton<RollupRefresh>();
        builder.Services.AddSingleton<IStoredBatchPart, DirtySpans>();
        builder.Services.AddHostedService<RollupWorker>();
    }
}
