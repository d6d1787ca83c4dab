using System.Text.Json;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ProblemDetails = Microsoft.AspNetCore.Mvc.ProblemDetails;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>
/// Turns exceptions into problem details: what the client did wrong keeps its status and says what it was, everything else is a 500
/// that tells nothing but the id of the log line.
/// </summary>
internal sealed partial class FaultHandler(
    IProblemDetailsService problems, IOptions<JsonOptions> json, ILogger<FaultHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var problem = Describe(httpContext, exception);
        httpContext.Response.StatusCode = problem.Status!.Value;
        if (problem.Status >= StatusCodes.Status500InternalServerError)
        {
            LogFault(logger, ErrorId.Of(httpContext), exception);
        }

        return await problems.TryWriteAsync(new ProblemDetailsContext
        {
            HttpContext = httpContext,
            ProblemDetails = problem,
            Exception = exception,
        });
    }

    private ProblemDetails Describe(HttpContext context, Exception exception) => exception switch
    {
        BadHttpRequestException { InnerException: JsonException fault } => Invalid(Describe(context, fault)),
        BadHttpRequestException { StatusCode: StatusCodes.Status400BadRequest } bad => BindingFaults.Describe(bad) is { } errors
            ? Invalid(errors)
            : Of(StatusCodes.Status400BadRequest, "The request cannot be read."),
        BadHttpRequestException bad => Of(bad.StatusCode, null),
        // Only what came from reading this request's own body is the client's fault.
        JsonException { LineNumber: not null } fault when HasBody(context) => Invalid(Describe(context, fault)),
        InvalidDataException or InvalidOperationException { Source: "System.IO.Compression.Brotli" }
            when context.Features.Get<ContentEncodings.Unpacked>() is not null =>
            Of(StatusCodes.Status400BadRequest, "The body is not what its Content-Encoding says."),
        TimeoutException or Polly.Timeout.TimeoutRejectedException => Of(StatusCodes.Status503ServiceUnavailable, null),
        _ => Of(StatusCodes.Status500InternalServerError, null),
    };

    private Dictionary<string, string[]> Describe(HttpContext context, JsonException fault)
    {
        // The exception handler has taken the endpoint off the context already.
        var endpoint = context.Features.Get<IExceptionHandlerFeature>()?.Endpoint ?? context.GetEndpoint();
        return JsonFaults.Describe(fault, endpoint?.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType, json.Value.SerializerOptions);
    }

    private static bool HasBody(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    private static ProblemDetails Of(int status, string? detail) => new() { Status = status, Detail = detail };

    private static HttpValidationProblemDetails Invalid(Dictionary<string, string[]> errors) => new(errors)
    {
        Status = StatusCodes.Status400BadRequest,
        Title = "The request is not valid.",
        Detail = string.Join(' ', errors.Take(3).Select(e => $"{e.Key}: {string.Join(' ', e.Value)}")),
    };

    [LoggerMessage(LogLevel.Error, "The request failed, error {ErrorId}.")]
    private static partial void LogFault(ILogger logger, string errorId, Exception exception);
}
