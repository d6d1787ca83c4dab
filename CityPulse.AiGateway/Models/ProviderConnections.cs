using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;

namespace CityPulse.AiGateway.Models;

/// <summary>A provider's name that leads to an address inside.</summary>
internal sealed class PrivateAddressException(string host)
    : HttpRequestException($"{host} leads to a private address; Ai:AllowPrivateBaseUrls would allow it.");

/// <summary>
/// Connections to providers: without the standard resilience handler, which would cut an answer off after 30 s and send a paid request
/// twice; without redirects and proxies; and to public addresses only, judged when connecting, so that no name can be turned round later.
/// </summary>
internal static class ProviderConnections
{
    public static SocketsHttpHandler Create(bool allowPrivate)
    {
        return new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = TimeSpan.FromSeconds(10),
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            // Our traces are no concern of theirs; the span of a call is the model's own.
            ActivityHeadersPropagator = null,
            // Nor does anybody ask for http.client.*: gen_ai.client.* has the same calls, by model.
            MeterFactory = new UnheardMeters(),
            ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, allowPrivate, cancellationToken),
        };
    }

    /// <summary>Meters by names that nobody listens to: what is measured on every request and connection is not even added up.</summary>
    private sealed class UnheardMeters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new($"{options.Name}.Unheard");

        public void Dispose()
        {
        }
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
}
