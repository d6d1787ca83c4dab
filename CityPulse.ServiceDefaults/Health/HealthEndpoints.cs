using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.ServiceDefaults.Health;

internal static class HealthEndpoints
{
    public static IEndpointRouteBuilder MapHealth(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/health").WithTags("Operations").AllowAnonymous().DisableHttpMetrics();
        group.MapGet("", ReportAsync).WithName("GetHealth").WithSummary("The state of the service and of what it stands on");
        group.MapGet("/live", Live).WithName("GetLiveness").WithSummary("Whether the process runs");
        group.MapGet("/ready", ReadyAsync).WithName("GetReadiness").WithSummary("Whether the service can do its work");
        return routes;
    }

    private static async Task<JsonHttpResult<HealthAnswer>> ReportAsync(
        HealthCheckService checks, ServiceIdentity identity, HttpResponse response, CancellationToken cancellationToken)
    {
        response.Headers.CacheControl = "no-store";
        var report = await checks.CheckHealthAsync(cancellationToken);
        return TypedResults.Json(HealthReports.Answer(report, identity), statusCode: Code(HealthReports.Overall(report)));
    }

    private static Ok<ProbeAnswer> Live(HttpResponse response)
    {
        response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new ProbeAnswer("healthy"));
    }

    private static async Task<JsonHttpResult<ProbeAnswer>> ReadyAsync(
        HealthCheckService checks, ShutdownState shutdown, HttpResponse response, CancellationToken cancellationToken)
    {
        response.Headers.CacheControl = "no-store";
        if (shutdown.IsStopping)
        {
            return NotReady("The service is shutting down.");
        }

        var report = await checks.CheckHealthAsync(
            check => check.Name == HealthNames.DatabaseCheck || check.Tags.Contains(HealthNames.Ready), cancellationToken);
        if (report.Status != HealthStatus.Unhealthy)
        {
            return TypedResults.Json(new ProbeAnswer("ready"), statusCode: StatusCodes.Status200OK);
        }

        var waitingFor = report.Entries.Where(e => e.Value.Status == HealthStatus.Unhealthy).Select(e => HealthNames.Shown(e.Key));
        return NotReady($"Waiting for {string.Join(", ", waitingFor)}.");
    }

    private static JsonHttpResult<ProbeAnswer> NotReady(string reason) =>
        TypedResults.Json(new ProbeAnswer("unready", reason), statusCode: StatusCodes.Status503ServiceUnavailable);

    private static int Code(HealthStatus status) =>
        status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
}
