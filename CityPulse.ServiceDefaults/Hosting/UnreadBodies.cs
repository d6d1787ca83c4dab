using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>
/// A refusal often comes before its body does: too large, the wrong type, no caller, an error in the first line. A client that sends all
/// before it listens must still hear it, so what it goes on sending is read and thrown away. The server by itself would do so for five
/// seconds and up to the endpoint's limit, and then reset the connection: the client would see that in place of the answer.
/// </summary>
internal static class UnreadBodies
{
    /// <summary>Bytes beyond the endpoint's limit.</summary>
    public const long Discarded = 256 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>What the server gives as the body, before others put their own streams around it; null where there can be none.</summary>
    public static Stream? Of(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true } ? context.Request.Body : null;

    /// <summary>To be called when all else is done: the answer is whole and measured then.</summary>
    public static async Task HearOutAsync(HttpContext context, Stream body)
    {
        await context.Response.CompleteAsync();
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false, MaxRequestBodySize: { } limit } server)
        {
            server.MaxRequestBodySize = limit + Discarded;
        }

        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        enough.CancelAfter(Patience);
        try
        {
            await body.CopyToAsync(Stream.Null, enough.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client has its answer; the server closes the connection.
        }
    }
}
