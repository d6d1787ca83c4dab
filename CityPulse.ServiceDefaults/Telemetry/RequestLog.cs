using System.Diagnostics;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Health;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace CityPulse.ServiceDefaults.Telemetry;

/// <summary>One line a request: what was asked, by whom, how it went. Never a query, a header or a body.</summary>
internal sealed partial class RequestLog(ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger("CityPulse.Requests");

    public void Write(HttpContext context, TimeSpan elapsed)
    {
        var status = context.Response.StatusCode;
        var path = context.Request.Path;
        // A probe that hears "not ready yet" is no news: whoever probes says so. Nor is what services ask one another every second.
        var level = path.StartsWithSegments(HealthNames.Path) || (status < StatusCodes.Status400BadRequest && InternalPortExtensions.IsInternal(path)) ? LogLevel.Debug
            : status >= StatusCodes.Status500InternalServerError ? LogLevel.Warning
            : LogLevel.Information;
        if (_logger.IsEnabled(level))
        {
            var known = context.User as CallerPrincipal;
            Log(
                _logger, level, context.Request.Method, Route(context), status, Math.Round(elapsed.TotalMilliseconds, 2),
                context.TraceIdentifier, Activity.Current?.TraceId.ToString(), known?.UserId ?? Claim(context, CityClaims.Subject), known?.OrganizationId ?? Claim(context, CityClaims.Organization),
                ErrorId.Existing(context));
        }
    }

    private static string Route(HttpContext context) =>
        (context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint) is RouteEndpoint endpoint
            ? endpoint.RoutePattern.RawText ?? "/"
            : context.Request.Path.ToUriComponent();

    private static string? Claim(HttpContext context, string type) => context.User.FindFirst(type)?.Value;

    [LoggerMessage(
        "{Method} {Route} {Status} in {ElapsedMs} ms, request {RequestId}, trace {TraceId}, user {UserId}, organization {OrganizationId}, error {ErrorId}")]
    private static partial void Log(
        ILogger logger, LogLevel level, string method, string route, int status, double elapsedMs,
        string requestId, string? traceId, string? userId, string? organizationId, string? errorId);
}
