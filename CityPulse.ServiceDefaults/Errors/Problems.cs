using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>The expected refusals, as RFC 9457 problem details. Faults are exceptions and take the exception handler.</summary>
public static class Problems
{
    /// <summary>400 with <c>errors</c> by JSON path.</summary>
    public static ProblemHttpResult Validation(IDictionary<string, string[]> errors) =>
        TypedResults.Problem(new HttpValidationProblemDetails(errors)
        {
            Status = StatusCodes.Status400BadRequest,
            Title = "The request is not valid.",
            Detail = string.Join(" ", errors.SelectMany(e => e.Value).Take(3)),
        });

    /// <summary>400 about one member or parameter.</summary>
    public static ProblemHttpResult Validation(string path, string message) =>
        Validation(new Dictionary<string, string[]> { [path] = [message] });

    /// <summary>400 for JSON that an endpoint read itself and that is not what it must be.</summary>
    /// <param name="fault">What the serializer said.</param>
    /// <param name="expected">The type that the body was read as.</param>
    /// <param name="options">What it was read with.</param>
    public static ProblemHttpResult Json(JsonException fault, Type expected, JsonSerializerOptions options) =>
        Validation(JsonFaults.Describe(fault, expected, options));

    /// <summary>Any other refusal; the title follows from the status when none is given.</summary>
    public static ProblemHttpResult Of(int status, string detail, string? title = null) =>
        TypedResults.Problem(detail: detail, statusCode: status, title: title);

    /// <summary>404, the same for what does not exist and what belongs to others.</summary>
    public static ProblemHttpResult NotFound(string what) => Of(StatusCodes.Status404NotFound, $"There is no such {what}.");

    public static ProblemHttpResult Conflict(string detail) => Of(StatusCodes.Status409Conflict, detail);

    public static ProblemHttpResult PreconditionFailed() =>
        Of(StatusCodes.Status412PreconditionFailed, "The resource has changed since the version that If-Match names. Read it again.");

    public static ProblemHttpResult PreconditionRequired() =>
        Of(StatusCodes.Status428PreconditionRequired, "Send If-Match with the ETag of the version that you want to change.");
}
