using CityPulse.Api.Http;
using CityPulse.Api.Http.Kept;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Api.Readings.Quarantine;
using CityPulse.Api.Readings.Retention;
using CityPulse.Api.Readings.Rollups;
using CityPulse.Api.Sensors;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Telemetry;

namespace CityPulse.Api.Readings;

internal static class ReadingEndpoints
{
    public static WebApplicationBuilder AddReadings(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SensorRegistry>();
        builder.Services.AddSingleton<ReadingPartitions>();
        builder.Services.AddSingleton<ReadingStore>();
        builder.Services.AddSingleton<ReadingReader>();
        builder.Services.AddMeasures<IngestMetrics>();
        builder.Services.AddSingleton<IngestGate>();
        builder.Services.AddOptions<IngestOptions>().BindConfiguration(IngestOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddHostedService<PartitionKeeper>();
        builder.AddRollups();
        builder.AddRetention();
        builder.AddQuarantine();
        return builder;
    }

    public static IEndpointRouteBuilder MapReadings(this IEndpointRouteBuilder app)
    {
        app.MapIngest();
        app.MapRetention();
        app.MapQuarantine();
        app.MapGet(SensorEndpoints.Route + "/{id:guid}/readings", ReadingQueries.ReadAsync)
            .WithName("GetReadings").WithTags("Readings")
            .WithSummary("Readings of a sensor, one by one or in buckets; as CSV the whole period.")
            .RequirePermission(Permission.ReadCity)
            .Produces<ReadingsResponse<ReadingItem>>(StatusCodes.Status200OK, MediaTypes.Json, "text/csv")
            .Produces(StatusCodes.Status304NotModified)
            .Refuses(400, 404).ReadsConditionally().KeepAnswersOfThePast();
        app.MapGet("/api/v1/citypulse/readings/latest", LatestQueries.ReadAsync)
            .WithName("GetLatestReadings").WithTags("Readings").WithSummary("The newest reading of every sensor that has one.")
            .RequirePermission(Permission.ReadCity).Refuses(400, 404).ReadsConditionally().KeepAnswers();
        return app;
    }
}
