using CityPulse.Api.Readings.Ingest;

namespace CityPulse.Api.Readings;

internal static class ReadingEndpoints
{
    public static WebApplicationBuilder AddReadings(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SensorRegistry>();
        builder.Services.AddSingleton<ReadingPartitions>();
        builder.Services.AddSingleton<ReadingStore>();
        builder.Services.AddSingleton<IngestMetrics>();
        builder.Services.AddHostedService<PartitionKeeper>();
        return builder;
    }

    public static IEndpointRouteBuilder MapReadings(this IEndpointRouteBuilder app)
    {
        app.MapIngest();
        return app;
    }
}
