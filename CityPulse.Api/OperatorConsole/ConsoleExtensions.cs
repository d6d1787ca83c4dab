namespace CityPulse.Api.OperatorConsole;

/// <summary>The operator console at <c>/</c>: static files, open to everybody; what they show comes from the API with the visitor's own token.</summary>
internal static class ConsoleExtensions
{
    public static IApplicationBuilder UseConsole(this IApplicationBuilder app)
    {
        app.UseDefaultFiles();
        return app.UseStaticFiles(new StaticFileOptions
        {
            // Files keep their names between versions: a browser asks each time, and mostly hears 304.
            OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache",
        });
    }
}
