using System.Net;

namespace CityPulse.Samples.Loading;

/// <summary>Sends a request until it is answered: a server that restarts, or asks to wait, is waited for.</summary>
internal sealed class PatientHttp(HttpClient http, TimeProvider time, Action<string> log)
{
    /// <summary>How long a server may be away before that is a failure.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromMinutes(3);

    /// <param name="create">Makes the request, anew for each attempt.</param>
    /// <param name="cancel">Ends the waiting too.</param>
    /// <exception cref="SampleException">The server stayed away.</exception>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> create, CancellationToken cancel)
    {
        var started = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var (response, fault) = await TryAsync(create, cancel);
            if (RetryDelay.After(response?.StatusCode, RetryAfterOf(response), attempt) is not { } delay)
            {
                return response!;
            }

            var limited = response?.StatusCode == HttpStatusCode.TooManyRequests;
            var reason = fault?.Message ?? $"it answered {(int)response!.StatusCode}";
            response?.Dispose();
            if (!limited && time.GetElapsedTime(started) + delay > Patience)
            {
                throw new SampleException($"The API at {http.BaseAddress} is not reachable: {reason}", fault);
            }

            if (limited)
            {
                log($"the API asks to wait {delay.TotalSeconds:0} s (rate limit)");
            }
            else if (attempt == 3)
            {
                log($"the API is away ({reason}), trying again until it is back");
            }

            await Task.Delay(delay, time, cancel);
        }
    }

    private async Task<(HttpResponseMessage? Response, Exception? Fault)> TryAsync(Func<HttpRequestMessage> create, CancellationToken cancel)
    {
        try
        {
            using var request = create();
            return (await http.SendAsync(request, cancel), null);
        }
        catch (HttpRequestException fault)
        {
            return (null, fault);
        }
        catch (TaskCanceledException fault) when (!cancel.IsCancellationRequested)
        {
            return (null, fault);
        }
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage? response) => response?.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > time.GetUtcNow() => date - time.GetUtcNow(),
        _ => null,
    };
}
