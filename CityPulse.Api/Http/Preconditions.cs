using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace CityPulse.Api.Http;

/// <summary>Conditional requests (RFC 9110, 13): <c>If-Match</c> guards writes, <c>If-None-Match</c> saves reads.</summary>
internal static class Preconditions
{
    /// <summary>For <c>PUT</c> and <c>PATCH</c>, which must name the version that they change.</summary>
    /// <returns>The refusal, or null when the write may go on.</returns>
    public static ProblemHttpResult? Require(string? ifMatch, Guid id, int version) =>
        ifMatch is null ? Problems.PreconditionRequired() : Check(ifMatch, id, version);

    /// <summary>For <c>DELETE</c>, which may name the version.</summary>
    /// <returns>The refusal, or null when the write may go on.</returns>
    public static ProblemHttpResult? Check(string? ifMatch, Guid id, int version)
    {
        if (ifMatch is null || ifMatch.Trim() == "*")
        {
            return null;
        }

        if (!EntityTagHeaderValue.TryParseStrictList([ifMatch], out var tags) || tags.Any(t => t.Tag == "*"))
        {
            return Problems.Of(StatusCodes.Status400BadRequest, "If-Match is neither * nor a list of entity tags in double quotes.");
        }

        // Strong comparison: a weak tag never matches, whatever it names.
        return tags.Any(t => !t.IsWeak && ETags.IsState(t.Tag.AsSpan(), id, version)) ? null : Problems.PreconditionFailed();
    }

    /// <summary>Whether a reader already has the answer that <paramref name="etag"/> names.</summary>
    public static bool IsKnown(HttpRequest request, string etag)
    {
        var header = request.Headers.IfNoneMatch;
        if (header.Count == 0 || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)))
        {
            return false;
        }

        // A header that cannot be read saves nothing; the answer is sent in full.
        return header.ToString().Trim() == "*"
            || (EntityTagHeaderValue.TryParseList(header, out var tags) && tags.Any(t => ETags.AreEquivalent(t.Tag.AsSpan(), etag)));
    }
}
