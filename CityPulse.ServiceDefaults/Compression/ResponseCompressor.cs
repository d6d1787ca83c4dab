using CityPulse.ServiceDefaults.Compression.Domain;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Encoding = CityPulse.ServiceDefaults.Compression.Domain.Encoding;

namespace CityPulse.ServiceDefaults.Compression;

/// <summary>
/// Compresses text answers above a kilobyte. The framework's own middleware has no threshold, and leaves a strong ETag on bytes that
/// it no longer describes.
/// </summary>
internal sealed class ResponseCompressor(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers.IfMatch.Count > 0 && headers.IfMatch.ToString() is var ifMatch && EncodedTag.HasSuffix(ifMatch))
        {
            headers.IfMatch = EncodedTag.Strip(ifMatch);
        }

        string? sentTags = null;
        if (headers.IfNoneMatch.Count > 0 && headers.IfNoneMatch.ToString() is var ifNoneMatch && EncodedTag.HasSuffix(ifNoneMatch))
        {
            sentTags = ifNoneMatch;
            headers.IfNoneMatch = EncodedTag.Strip(ifNoneMatch);
        }

        var encoding = AcceptEncoding.Choose(headers.AcceptEncoding);
        return (encoding == Encoding.Identity && sentTags is null) || HttpMethods.IsHead(context.Request.Method) || context.WebSockets.IsWebSocketRequest
            ? next(context)
            : InvokeAsync(context, encoding, sentTags);
    }

    private async Task InvokeAsync(HttpContext context, Encoding encoding, string? sentTags)
    {
        var original = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        var body = new CompressedBody(context, original, encoding);
        context.Features.Set<IHttpResponseBodyFeature>(body);
        if (sentTags is not null)
        {
            context.Response.OnStarting(() =>
            {
                if (context.Response.StatusCode == StatusCodes.Status304NotModified && context.Response.Headers.ETag.ToString() is { Length: > 0 } tag)
                {
                    context.Response.Headers.ETag = EncodedTag.AsSent(tag, sentTags);
                }

                return Task.CompletedTask;
            });
        }

        try
        {
            await next(context);
            await body.FinishAsync();
        }
        finally
        {
            // After a fault whatever was held back is dropped, and the error is written past us.
            context.Features.Set(original);
            await body.DisposeAsync();
        }
    }

    /// <summary>Whether an answer that starts now may be compressed at all, whatever its length.</summary>
    internal static bool MayCompress(HttpContext context)
    {
        var response = context.Response;
        var headers = response.Headers;
        if (response.ContentType is not { } type || !Compressible.IsText(type)
            || headers.ContentEncoding.Count > 0 || headers.ContentRange.Count > 0 || context.IsPassThrough()
            || response.StatusCode is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified or StatusCodes.Status206PartialContent)
        {
            return false;
        }

        var caching = headers.CacheControl.ToString();
        // What must not be stored holds secrets, and compressing secrets beside what a stranger can choose gives them away (BREACH).
        return !caching.Contains("no-store", StringComparison.OrdinalIgnoreCase) && !caching.Contains("no-transform", StringComparison.OrdinalIgnoreCase);
    }

    internal static void Mark(HttpContext context, Encoding encoding)
    {
        var headers = context.Response.Headers;
        headers.ContentEncoding = encoding == Encoding.Brotli ? "br" : "gzip";
        headers.ContentLength = null;
        headers.ContentMD5 = default;
        headers.AcceptRanges = default;
        if (headers.ETag is [{ } tag])
        {
            headers.ETag = EncodedTag.Add(tag, encoding);
        }
    }

    /// <summary>Caches must know that the answer depends on what the client accepts, also when it was too short to compress.</summary>
    internal static void Vary(HttpContext context)
    {
        if (!context.Response.Headers.Vary.ToString().Contains(HeaderNames.AcceptEncoding, StringComparison.OrdinalIgnoreCase))
        {
            context.Response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        }
    }
}
