using System.Net;

namespace CityPulse.Samples.Loading;

/// <summary>Whether and when to send a request again: a server that is away comes back, a limit names its time, anything else is an answer.</summary>
internal static class RetryDelay
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <param name="status">Null when there was no answer at all.</param>
    /// <param name="attempt">1 for the first one.</param>
    public static TimeSpan? After(HttpStatusCode? status, TimeSpan? retryAfter, int attempt) => status switch
    {
        HttpStatusCode.TooManyRequests => retryAfter ?? Longest,
        // 500 too: a database that restarts under the API looks like that, and every request here may be repeated.
        null or HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
            => retryAfter ?? Backoff(attempt),
        _ => null,
    };

    private static TimeSpan Backoff(int attempt) =>
        TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << Math.Min(attempt - 1, 10)));
}
