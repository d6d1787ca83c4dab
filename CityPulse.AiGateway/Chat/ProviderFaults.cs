using System.Data.Common;
using Anthropic.Exceptions;
using CityPulse.AiGateway.Accounting;
using CityPulse.AiGateway.Models;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.AiGateway.Chat;

/// <summary>A stream that ended without having said that it was done.</summary>
internal sealed class ProviderCutException(Exception? inner = null) : IOException("The answer ended in the middle.", inner);

/// <summary>What went wrong at a provider, as its caller may know it: never the provider's text, which may repeat prompts or keys.</summary>
/// <param name="Reason">One word for accounts and answers.</param>
/// <param name="RetryAfterSeconds">For the caller, where trying again makes sense.</param>
internal sealed record ProviderFault(int Status, string Reason, string Detail, int? RetryAfterSeconds = null)
{
    private const string NotReached = "unreachable";
    private const int DefaultRetrySeconds = 10;
    private const int LongestRetrySeconds = 3600;

    /// <summary>Whether the same provider may be asked the same again; null where not, else the pause it asked for.</summary>
    public TimeSpan? RetryIn { get; private init; }

    /// <summary>Whether other models may be tried.</summary>
    public bool IsProviders => ResetsAt is null;

    /// <summary>When there is money again.</summary>
    public DateTimeOffset? ResetsAt { get; private init; }

    /// <summary>Null when the exception is none of the provider's.</summary>
    public static ProviderFault? Of(Exception exception)
    {
        // The accounts' database is none of them, whatever is wrong with it.
        if (exception is DbException)
        {
            return null;
        }

        // Whatever happens on a connection is wrapped as "cannot be reached"; what is further in knows better.
        ProviderFault? known = null;
        for (var e = exception; e is not null && (known is null || known.Reason == NotReached); e = e.InnerException)
        {
            known = Known(e) ?? known;
        }

        if (known is not null)
        {
            return known;
        }

        // Clients pack what they could not make sense of into exceptions of their own, or stumble over it.
        return exception is AnthropicException or AggregateException || exception.Source is "Anthropic"
            ? Malformed
            : null;
    }

    public ProblemHttpResult ToProblem(HttpResponse response)
    {
        if (RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = $"{seconds}";
        }

        return ResetsAt is { } resetsAt
            ? TypedResults.Problem(Detail, statusCode: Status, title: "The AI budget is exhausted.", extensions: new Dictionary<string, object?> { ["resetsAt"] = resetsAt, ["code"] = Reason })
            : TypedResults.Problem(Detail, statusCode: Status, extensions: new Dictionary<string, object?> { ["code"] = Reason });
    }

    private static ProviderFault Unreachable =>
        new(503, NotReached, "The model's provider cannot be reached at the moment.", DefaultRetrySeconds) { RetryIn = TimeSpan.Zero };

    private static ProviderFault Malformed => new(502, "malformed", "The model's provider gave an answer that cannot be read.");

    private static ProviderFault? Known(Exception exception) => exception switch
    {
        BudgetExhaustedException e => new(402, "budget_exhausted", $"{e.Message} It begins anew at {Tools.CityApi.Time(e.ResetsAt)}.") { ResetsAt = e.ResetsAt },
        ProviderClosedException e => new(503, e.Reason, "The model's provider is left alone for a moment. Try again later.", Seconds(e.Wait)),
        PrivateAddressException => new(502, "private_address", "The model's provider is configured with an address that is not allowed."),
        ProviderRefusedException e => Refused(e),
        OperationCanceledException or TimeoutException => new(503, "timeout", "The model's provider does not answer in time.", DefaultRetrySeconds),
        System.Text.Json.JsonException or FormatException or AnthropicInvalidDataException => Malformed,
        ProviderCutException => new(503, "cut_off", "The model's provider broke off in the middle of the answer.", DefaultRetrySeconds),
        // What Anthropic says in a stream that has begun: it is overloaded.
        AnthropicSseException => new(503, "server_error", "The model's provider does not answer at the moment.", DefaultRetrySeconds),
        HttpRequestException or IOException => Unreachable,
        _ => null,
    };

    private static ProviderFault Refused(ProviderRefusedException e) => (int?)e.StatusCode switch
    {
        429 => new(503, "rate_limited", "The model's provider limits the rate of requests. Try again later.", Seconds(e.RetryAfter)) { RetryIn = e.RetryAfter ?? TimeSpan.Zero },
        408 or >= 500 => new(503, "server_error", "The model's provider does not answer at the moment.", Seconds(e.RetryAfter)) { RetryIn = e.RetryAfter ?? TimeSpan.Zero },
        401 or 403 => new(502, "key_refused", "The model's provider refuses this gateway's key."),
        404 => new(502, "model_unknown", "The model's provider does not know the model."),
        _ => new(502, "request_refused", "The model's provider refused the request."),
    };

    private static int Seconds(TimeSpan? wait) =>
        wait is { } known ? (int)Math.Clamp(Math.Ceiling(known.TotalSeconds), 1, LongestRetrySeconds) : DefaultRetrySeconds;
}
