using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Analytics;

internal static class AnalyticsEndpoints
{
    public const string Route = "/api/v1/citypulse/analytics";

    public static WebApplicationBuilder AddAnalytics(this WebApplicationBuilder builder)
    {
        builder.Services.AddScoped<SensorSeries>();
        builder.Services.AddScoped<Overview>();
        builder.Services.AddScoped<Forecasts>();
        builder.Services.AddScoped<GroupedQuery>();
        return builder;
    }

    public static IEndpointRouteBuilder MapAnalytics(this IEndpointRouteBuilder app)
    {
        var analytics = app.MapGroup(Route).WithTags("Analytics").RequirePermission(Permission.ReadCity);
        analytics.MapGet("/overview", Overview.GetAsync).WithName("GetOverview")
            .WithSummary("The organisation at a glance: sensors, energy today against the same weekday's norm, data quality.").ReadsConditionally();
        analytics.MapGet("/anomalies", AnomalyQueries.GetAsync).WithName("GetAnomalies")
            .WithSummary("Readings of a sensor that were unusual when they came.").Refuses(400, 404).ReadsConditionally();
        analytics.MapGet("/forecast", Forecasts.OfSensorAsync).WithName("GetSensorForecast")
            .WithSummary("The next hours of a sensor with an 80 % band.").Refuses(400, 404).ReadsConditionally();
        analytics.MapGet("/correlation", CorrelationQueries.GetAsync).WithName("GetCorrelation")
            .WithSummary("How two sensors go together, and with which lag best.").Refuses(400, 404).ReadsConditionally();
        analytics.MapGet("/data-quality", DataQualityQueries.GetAsync).WithName("GetDataQuality")
            .WithSummary("Completeness, gaps, stuck values, spikes and the clock of every sensor.").Refuses(400, 404).ReadsConditionally();
        analytics.MapPost("/query", GroupedQuery.PostAsync).WithName("QueryAnalytics")
            .WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes))
            .WithSummary("One metric, grouped by building, use, quantity and time.").Refuses(400, 404, 415);
        app.MapGet("/api/v1/citypulse/energy/forecast", Forecasts.OfEnergyAsync).WithName("GetEnergyForecast").WithTags("Energy")
            .WithSummary("Energy of the next hours with an 80 % band.")
            .RequirePermission(Permission.ReadCity).Refuses(400, 404).ReadsConditionally();
        return app;
    }
}
