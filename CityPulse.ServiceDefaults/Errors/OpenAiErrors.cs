using Microsoft.AspNetCore.Http;
using ProblemDetails = Microsoft.AspNetCore.Mvc.ProblemDetails;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>
/// Clients made for OpenAI look for <c>error.message</c>. Every service adds it to the problems of that door, since the edge and the
/// middleware refuse requests too.
/// </summary>
public static class OpenAiErrors
{
    public const string Door = "/api/v1/ai/v1";

    internal static void Add(HttpContext context, ProblemDetails problem)
    {
        if (context.Request.Path.StartsWithSegments(Door))
        {
            problem.Extensions["error"] = Of(
                problem.Status ?? StatusCodes.Status500InternalServerError,
                problem.Detail ?? problem.Title ?? "",
                problem is HttpValidationProblemDetails { Errors: { Count: > 0 } errors } ? errors.Keys.First() : null,
                problem.Extensions.TryGetValue("code", out var code) ? code as string : null);
        }
    }

    /// <summary>The object by itself, for streams that have begun.</summary>
    public static object Of(int status, string message, string? param, string? code) => new { message, type = Type(status), param, code = code ?? Code(status) };

    private static string Type(int status) => status switch
    {
        401 => "authentication_error",
        402 => "insufficient_quota",
        403 => "permission_error",
        429 => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    private static string? Code(int status) => status switch
    {
        401 => "invalid_api_key",
        402 => "insufficient_quota",
        429 => "rate_limit_exceeded",
        _ => null,
    };
}
