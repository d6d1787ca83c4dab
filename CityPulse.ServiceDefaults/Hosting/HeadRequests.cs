using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Hosting;

internal static class HeadRequests
{
    /// <summary>
    /// HEAD is GET without the body (RFC 9110, 9.3.2): endpoints know GET only, and the server, which remembers what was asked,
    /// sends the headers alone.
    /// </summary>
    public static IApplicationBuilder UseHead(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        var head = HttpMethods.IsHead(context.Request.Method);
        if (head)
        {
            context.Request.Method = HttpMethods.Get;
        }

        try
        {
            await next(context);
        }
        finally
        {
            if (head)
            {
                context.Request.Method = HttpMethods.Head;
            }
        }
    });
}
