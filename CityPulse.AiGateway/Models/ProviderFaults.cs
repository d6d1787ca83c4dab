using System.Globalization;
using System.Net;

namespace CityPulse.AiGateway.Models;

/// <summary>A provider's refusal, with nothing of its text, which may repeat prompts or keys.</summary>
internal sealed class ProviderRefusedException(HttpStatusCode status, TimeSpan? retryAfter)
    : HttpRequestException($"The provider answered {(int)status}.", inner: null, status)
{
    /// <summary>When the provider wants to be asked again.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>Throws one, and lets go of the answer, unless the provider did what it was asked.</summary>
    public static void ThrowIfRefused(HttpResponseMessage response, TimeProvider time)
    {
        if (!response.IsSuccessStatusCode)
        {
            using (response)
            {
                throw new ProviderRefusedException(response.StatusCode, WantedPause(response, time));
            }
        }
    }

    private static TimeSpan? WantedPause(HttpResponseMessage response, TimeProvider time)
    {
        // Providers also say it in milliseconds, which is finer.
        if (response.Headers.TryGetValues("retry-after-ms", out var values)
            && double.TryParse(values.First(), NumberStyles.Float, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds is >= 0 and < 1e9)
        {
            return TimeSpan.FromMilliseconds(milliseconds);
        }

        return response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date > time.GetUtcNow() ? date - time.GetUtcNow() : TimeSpan.Zero,
            _ => null,
        };
    }
}

/// <summary>Says what a provider refused, and that it broke off, for clients that are not ours, as <see cref="Wire.WireChatClient"/> does for itself.</summary>
internal sealed class ProviderFaults(HttpMessageHandler inner, TimeProvider time) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        ProviderRefusedException.ThrowIfRefused(response, time);
        response.Content = new ProviderBody(response.Content);
        return response;
    }
}
