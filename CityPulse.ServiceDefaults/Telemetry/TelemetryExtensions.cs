using System.Diagnostics.Metrics;
using CityPulse.ServiceDefaults.Health;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace CityPulse.ServiceDefaults.Telemetry;

internal static class TelemetryExtensions
{
    /// <summary>Slices name their meters and activity sources <c>CityPulse.Something</c> and are exported without further ado.</summary>
    private static readonly string[] Sources = ["CityPulse", "CityPulse.*", "Npgsql", "Yarp.ReverseProxy"];

    /// <summary>
    /// Of the framework's own what somebody asks for: its meter of memory alone counts a dozen times in an answer of 25 kB, those of sign-in
    /// and rights say again what the status codes say.
    /// </summary>
    private static readonly string[] Meters =
    [
        "CityPulse", "CityPulse.*", "Npgsql", "Microsoft.EntityFrameworkCore",
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.Http.Connections", "Microsoft.AspNetCore.Diagnostics",
    ];

    /// <summary>Metrics with a series for each route, peer or pair of them.</summary>
    private static readonly string[] ManySeries =
        ["http.server.request.duration", "http.client.request.duration", "http.client.active_requests", "http.client.open_connections"];

    public static WebApplicationBuilder AddServiceTelemetry(this WebApplicationBuilder builder)
    {
        builder.Services.AddMeasures<ServiceMetrics>();
        builder.Services.AddSingleton<RequestLog>();
        builder.AddLogs();
        builder.AddLogFiles();

        var telemetry = builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddHttpClientInstrumentation()
            .AddRuntimeInstrumentation()
            .AddMeter(Meters)
            .AddView(Sized)
            .AddPrometheusExporter());

        // Spans and log records that nobody collects would cost every request for nothing. The trace context of a caller is passed
        // on all the same: that is the framework's own.
        if (builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 })
        {
            telemetry.WithTracing(tracing => tracing
                .AddAspNetCoreInstrumentation(options => options.Filter = context =>
                    !context.Request.Path.StartsWithSegments(HealthNames.Path)
                    && !context.Request.Path.StartsWithSegments(InternalPortExtensions.MetricsPath))
                .AddHttpClientInstrumentation()
                .AddSource(Sources));
            builder.Logging.AddOpenTelemetry(logs => (logs.IncludeFormattedMessage, logs.IncludeScopes) = (true, true));
            telemetry.UseOtlpExporter();
        }

        return builder;
    }

    /// <summary>
    /// Room for series is taken before the first is counted, by default for 2,000 of each of some 200 metrics: 35 MB a process. Most have a
    /// handful.
    /// </summary>
    private static MetricStreamConfiguration? Sized(Instrument instrument) =>
        ManySeries.Contains(instrument.Name) ? null : new MetricStreamConfiguration { CardinalityLimit = 200 };

    public static void MapMetrics(this WebApplication app)
    {
        // Who listens comes first: zeros that were counted before are lost, and with them the metric until its first count.
        _ = app.Services.GetRequiredService<MeterProvider>();
        _ = app.Services.GetServices<IMeasures>().Count();
        app.MapPrometheusScrapingEndpoint(InternalPortExtensions.MetricsPath).AllowAnonymous().DisableHttpMetrics();
    }

    private static void AddLogs(this WebApplicationBuilder builder)
    {
        // These print whole addresses, and with them access tokens in queries; RequestLog has one line that does not.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
        builder.Logging.AddFilter("System.Net.Http.HttpClient", LogLevel.Warning);
        builder.Logging.AddFilter("Yarp.ReverseProxy.Forwarder", LogLevel.Warning);

        builder.Services.PostConfigure<LoggerFilterOptions>(QuietByDefault);

        builder.Services.Configure<SimpleConsoleFormatterOptions>(simple => simple.SingleLine = true);
        if (!builder.Environment.IsDevelopment() && builder.Configuration["Logging:Console:FormatterName"] is null
            && builder.Services.FirstOrDefault(s => s.ImplementationType == typeof(ConsoleLoggerProvider)) is { } console)
        {
            builder.Services.Remove(console);
            builder.Services.AddSingleton<ILoggerProvider, ConsoleLines>();
        }
    }

    /// <summary>
    /// Lines for every step of every request and command would cost more than the work itself. First in the list, so that whoever
    /// configures one of these categories gets what they ask for.
    /// </summary>
    private static void QuietByDefault(LoggerFilterOptions options)
    {
        foreach (var category in (string[])["Microsoft.AspNetCore", "Microsoft.EntityFrameworkCore", "Npgsql", "Polly", "Yarp"])
        {
            options.Rules.Insert(0, new LoggerFilterRule(providerName: null, category, LogLevel.Warning, filter: null));
        }

        // Both tell a second time what somebody is told anyway: a failed command throws, and /health answers what is unhealthy.
        foreach (var category in (string[])["Microsoft.EntityFrameworkCore.Database.Command", "Microsoft.Extensions.Diagnostics.HealthChecks"])
        {
            options.Rules.Insert(0, new LoggerFilterRule(providerName: null, category, LogLevel.Critical, filter: null));
        }
    }
}
