using System.Net.Mime;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>
/// Most requests have no body at all, or plain JSON of an announced length: in those <see cref="ContentTypes"/>, <see cref="BodyLimits"/> and
/// <see cref="ContentEncodings"/> would find nothing to do, one after the other.
/// </summary>
internal static class PlainBodies
{
    public static bool IsPlain(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers.ContentEncoding.Count > 0)
        {
            return false;
        }

        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return true;
        }

        return headers.ContentType is [MediaTypeNames.Application.Json]
            && context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { MaxRequestBodySize: { } limit } && headers.ContentLength <= limit
            && (context.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is not { ContentTypes.Count: > 0 } accepted
                || accepted.ContentTypes.Contains(MediaTypeNames.Application.Json));
    }
}
