using Microsoft.Extensions.Primitives;

namespace CityPulse.Api.Http;

/// <summary>How the bytes of a read go out, whether they were just made or kept.</summary>
internal static class Sending
{
    private static readonly StringValues Revalidated = "private, no-cache";

    /// <summary>200, or 304 to a reader who has it.</summary>
    public static Task WriteAsync(HttpContext context, string etag, string contentType, string vary, ReadOnlyMemory<byte> body)
    {
        if (WriteKnown(context, etag, vary))
        {
            return Task.CompletedTask;
        }

        var response = context.Response;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    /// <summary>The headers of a read, and the 304 when the reader has the answer already.</summary>
    public static bool WriteKnown(HttpContext context, string etag, string vary)
    {
        var response = context.Response;
        response.Headers.CacheControl = Revalidated;
        response.Headers.Vary = vary;
        response.Headers.ETag = etag;
        if (!Preconditions.IsKnown(context.Request, etag))
        {
            return false;
        }

        response.StatusCode = StatusCodes.Status304NotModified;
        return true;
    }
}
