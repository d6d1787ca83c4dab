using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CityPulse.AiGateway.Models;

/// <summary>A provider's refusal, with nothing of its text, which may repeat prompts or keys.</summary>
internal sealed class ProviderRefusedException(HttpStatusCode status, TimeSpan? retryAfter)
    : HttpRequestException($"The provider answered {(int)status}.", inner: null, status)
{
    /// <summary>When the provider wants to be asked again.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>A provider's name that leads to an address inside.</summary>
internal sealed class PrivateAddressException(string host)
    : HttpRequestException($"{host} leads to a private address; Ai:AllowPrivateBaseUrls would allow it.");

/// <summary>
/// Connections to providers: without the standard resilience handler, which would cut an answer off after 30 s and send a paid request
/// twice; without redirects and proxies; and to public addresses only, judged when connecting, so that no name can be turned round later.
/// </summary>
internal static class ProviderConnections
{
    public static HttpMessageHandler Create(bool allowPrivate, TimeProvider time)
    {
        var sockets = new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = TimeSpan.FromSeconds(10),
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            // Our traces are no concern of theirs; the span of a call is the model's own.
            ActivityHeadersPropagator = null,
            ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, allowPrivate, cancellationToken),
        };
        return new Faults(time) { InnerHandler = sockets };
    }

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint endPoint, bool allowPrivate, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = IPAddress.TryParse(endPoint.Host, out var written) ? [written] : await Dns.GetHostAddressesAsync(endPoint.Host, cancellationToken);
        var allowed = allowPrivate ? addresses : [.. addresses.Where(PublicAddresses.IsPublic)];
        if (allowed.Length == 0)
        {
            throw new PrivateAddressException(endPoint.Host);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, endPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Says what a provider refused, and that it broke off, in one way for all of them.</summary>
    private sealed class Faults(TimeProvider time) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            if (response.IsSuccessStatusCode)
            {
                response.Content = new ProviderBody(response.Content);
                return response;
            }

            using (response)
            {
                throw new ProviderRefusedException(response.StatusCode, RetryAfter(response));
            }
        }

        private TimeSpan? RetryAfter(HttpResponseMessage response)
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
}
