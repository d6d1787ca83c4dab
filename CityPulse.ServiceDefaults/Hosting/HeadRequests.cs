using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Hosting;

internal static class HeadRequests
{
    /// <summary>
    /// HEAD is GET without the body (RFC 9110, 9.3.2): endpoints know GET only, and the server, which remembers what was asked,
    /// sends the headers alone.
    /// </summary>
    public static IApplicationBuilder UseHead(this IApplicationBuilder app) => app.Use(static (context, next) =>
        HttpMethods.IsHead(context.Request.Method) ? AsGetAsync(context, next) : next(context));

    private static async Task AsGetAsync(HttpContext context, RequestDelegate next)
    {
        context.Request.Method = HttpMethods.Get;
        try
        {
            await next(context);
        }
        finally
        {
            context.Request.Method = HttpMethods.Head;
        }
    }
}
