using Microsoft.AspNetCore.WebUtilities;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>What a problem says when whoever made it said nothing.</summary>
internal static class ProblemTexts
{
    public static string Type(int status) => status switch
    {
        400 => "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        401 => "https://tools.ietf.org/html/rfc9110#section-15.5.2",
        403 => "https://tools.ietf.org/html/rfc9110#section-15.5.4",
        404 => "https://tools.ietf.org/html/rfc9110#section-15.5.5",
        405 => "https://tools.ietf.org/html/rfc9110#section-15.5.6",
        406 => "https://tools.ietf.org/html/rfc9110#section-15.5.7",
        408 => "https://tools.ietf.org/html/rfc9110#section-15.5.9",
        409 => "https://tools.ietf.org/html/rfc9110#section-15.5.10",
        412 => "https://tools.ietf.org/html/rfc9110#section-15.5.13",
        413 => "https://tools.ietf.org/html/rfc9110#section-15.5.14",
        415 => "https://tools.ietf.org/html/rfc9110#section-15.5.16",
        422 => "https://tools.ietf.org/html/rfc9110#section-15.5.21",
        428 => "https://tools.ietf.org/html/rfc6585#section-3",
        429 => "https://tools.ietf.org/html/rfc6585#section-4",
        500 => "https://tools.ietf.org/html/rfc9110#section-15.6.1",
        502 => "https://tools.ietf.org/html/rfc9110#section-15.6.3",
        503 => "https://tools.ietf.org/html/rfc9110#section-15.6.4",
        504 => "https://tools.ietf.org/html/rfc9110#section-15.6.5",
        _ => "about:blank",
    };

    public static string Title(int status) => ReasonPhrases.GetReasonPhrase(status) is { Length: > 0 } phrase ? phrase : "Error";

    public static string? Detail(int status) => status switch
    {
        400 => "The request cannot be understood.",
        401 => "Send an access token in the header Authorization: Bearer.",
        403 => "You may not do this.",
        404 => "There is nothing here.",
        405 => "This address does not take that method. The header Allow lists those that it takes.",
        413 => "The body is larger than this call takes.",
        415 => "This call does not take a body of that Content-Type or Content-Encoding.",
        429 => "Too many requests. The header Retry-After says when to try again.",
        500 => "Something went wrong here. The errorId leads to what it was.",
        502 or 503 or 504 => "The service is not available right now. Try again.",
        _ => null,
    };
}
