using CityPulse.Contracts;
using Yarp.ReverseProxy.Forwarder;

namespace CityPulse.Api.Edge;

/// <summary>
/// What changes on the way: the service learns who the client is from us and from nobody else, and the shared key of the services
/// never comes from outside.
/// </summary>
internal sealed class EdgeTransformer : HttpTransformer
{
    public static readonly EdgeTransformer Instance = new();

    private static readonly string[] NotFromOutside =
        [CityHeaders.InternalKey, CityHeaders.RequestId, "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Real-IP"];

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var headers = proxyRequest.Headers;
        foreach (var name in NotFromOutside)
        {
            headers.Remove(name);
        }

        headers.TryAddWithoutValidation(CityHeaders.RequestId, httpContext.TraceIdentifier);
        if (httpContext.Connection.RemoteIpAddress is { } client)
        {
            headers.TryAddWithoutValidation("X-Forwarded-For", (client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client).ToString());
        }

        headers.TryAddWithoutValidation("X-Forwarded-Proto", httpContext.Request.Scheme);
        headers.TryAddWithoutValidation("X-Forwarded-Host", httpContext.Request.Host.Value);
    }
}
