using Microsoft.AspNetCore.Builder;
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

    /// <summary>The outermost part, so that the answer is whole and measured before.</summary>
    public static void UseUnreadBodies(this IApplicationBuilder app) => app.Use(static (context, next) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true } ? AnswerAsync(context, next) : next(context));

    private static async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        // Others put their own streams around it.
        var body = context.Request.Body;
        await next(context);
        if (context.Response.StatusCode >= StatusCodes.Status400BadRequest)
        {
            await context.Response.CompleteAsync();
            await DiscardAsync(context, body);
        }
    }

    private static async Task DiscardAsync(HttpContext context, Stream body)
    {
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
