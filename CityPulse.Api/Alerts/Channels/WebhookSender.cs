using System.Net.Http.Headers;
using CityPulse.Api.Alerts.Channels.Domain;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>
/// Sends to addresses that people of the organisation wrote down, so it trusts them in nothing: no redirects, no proxy, no cookies, no trace headers, no look
/// at the answer's body, and only addresses that <see cref="AddressRules"/> lets pass. Addresses can be secrets by themselves, and are not logged.
/// </summary>
internal sealed class WebhookSender : IDisposable
{
    public const string EventIdHeader = "X-CityPulse-Event-Id";
    public const string SignatureHeader = "X-CityPulse-Signature";

    private readonly HttpClient _client;
    private readonly TimeSpan _timeout;

    public WebhookSender(IOptions<ChannelOptions> options)
    {
        var allowPrivate = options.Value.AllowPrivateTargets;
        _timeout = options.Value.Timeout;
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectCallback = (context, cancellationToken) => GuardedConnection.OpenAsync(context.DnsEndPoint, allowPrivate, cancellationToken),
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxConnectionsPerServer = 16,
            MaxResponseDrainSize = 16 * 1024,
        })
        {
            Timeout = System.Threading.Timeout.InfiniteTimeSpan,
        };
    }

    /// <param name="secret">What it is signed with; null: not at all.</param>
    public async Task<DeliveryOutcome> SendAsync(Uri url, byte[]? secret, Guid eventId, byte[] body, DateTimeOffset now, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("CityPulse", "1.0"));
        request.Headers.Add(EventIdHeader, eventId.ToString());
        if (secret is not null)
        {
            request.Headers.Add(SignatureHeader, WebhookSignature.Of(secret, now, body));
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        try
        {
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            return DeliveryOutcome.OfStatusCode((int)response.StatusCode);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return DeliveryOutcome.Failed("The receiver did not answer in time.");
        }
        catch (HttpRequestException e) when (e.InnerException is AddressRefusedException refused)
        {
            return DeliveryOutcome.Refused(refused.Message);
        }
        catch (HttpRequestException e)
        {
            return DeliveryOutcome.Failed(e.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => "The receiver's name could not be resolved.",
                HttpRequestError.ConnectionError => "The receiver could not be reached.",
                HttpRequestError.SecureConnectionError => "No secure connection: TLS or the certificate failed.",
                _ => "The receiver's answer made no sense.",
            });
        }
    }

    public void Dispose() => _client.Dispose();
}
