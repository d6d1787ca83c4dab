using System.Diagnostics;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>
/// Writes every refusal and fault of every service. Unlike the framework's writer it does not give up when the client's Accept
/// header names other types: an error is problem details or nothing.
/// </summary>
internal sealed class ProblemWriter(IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions> json, ServiceMetrics metrics) : IProblemDetailsWriter
{
    public const string ContentType = "application/problem+json";

    public bool CanWrite(ProblemDetailsContext context) => true;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var http = context.HttpContext;
        var problem = context.ProblemDetails;
        var status = problem.Status ??= http.Response.StatusCode;
        var errorId = ErrorId.Of(http);

        problem.Type ??= ProblemTexts.Type(status);
        problem.Title ??= ProblemTexts.Title(status);
        problem.Detail ??= ProblemTexts.Detail(status);
        problem.Instance ??= http.Request.PathBase + http.Request.Path;
        problem.Extensions["errorId"] = errorId;
        problem.Extensions["traceId"] = Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier;
        // Paths out of a body are the client's own already.
        if (context.Exception is null && problem is HttpValidationProblemDetails { Errors.Count: > 0 } validation)
        {
            validation.Errors = JsonPaths.Normalize(validation.Errors);
        }

        OpenAiErrors.Add(http, problem);
        metrics.Error(status);
        var response = http.Response;
        response.StatusCode = status;
        response.ContentType = ContentType;
        response.Headers[CityHeaders.ErrorId] = errorId;
        response.Headers.CacheControl = "no-store";
        response.Headers.ETag = default;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(problem, problem.GetType(), json.Value.SerializerOptions);
        response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await response.Body.WriteAsync(bytes, http.RequestAborted);
        }
    }
}
