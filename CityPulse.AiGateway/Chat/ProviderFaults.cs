using System.ClientModel;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.AiGateway.Chat;

/// <summary>What went wrong at a provider, as its caller may know it: never the provider's text, which may repeat prompts or keys.</summary>
internal sealed record ProviderFault(int Status, string Detail, int? RetryAfterSeconds)
{
    private const int DefaultRetrySeconds = 10;
    private const int LongestRetrySeconds = 3600;

    /// <summary>Null when the exception is none of the provider's.</summary>
    public static ProviderFault? Of(Exception exception) => exception switch
    {
        ClientResultException { Status: 429 } e => new(503, "The model's provider limits the rate of requests. Try again later.", RetryAfter(e)),
        ClientResultException { Status: 0 or 408 or >= 500 } e => new(503, "The model's provider does not answer at the moment.", RetryAfter(e)),
        ClientResultException { Status: 401 or 403 } => new(502, "The model's provider refuses this gateway's key.", null),
        ClientResultException { Status: 404 } => new(502, "The model's provider does not know the model.", null),
        ClientResultException => new(502, "The model's provider refused the request.", null),
        HttpRequestException or IOException or TimeoutException or TaskCanceledException or AggregateException =>
            new(503, "The model's provider cannot be reached at the moment.", DefaultRetrySeconds),
        System.Text.Json.JsonException => new(502, "The model's provider gave an answer that cannot be read.", null),
        _ => null,
    };

    public ProblemHttpResult ToProblem(HttpResponse response)
    {
        if (RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = $"{seconds}";
        }

        return Problems.Of(Status, Detail);
    }

    private static int RetryAfter(ClientResultException exception) =>
        exception.GetRawResponse() is { } raw && raw.Headers.TryGetValue("Retry-After", out var text) && int.TryParse(text, out var seconds)
            ? Math.Clamp(seconds, 1, LongestRetrySeconds)
            : DefaultRetrySeconds;
}
