using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;

namespace CityPulse.Tests.AppHost;

/// <summary>A frontend's own origin: pages on another port of this machine than the API.</summary>
internal static class ExampleSite
{
    /// <summary>The pages of <c>docs/examples</c>.</summary>
    /// <param name="packages">Where npm has installed what a page takes.</param>
    public static Task<WebApplication> ServeAsync(string? packages) => ServeAsync(app =>
    {
        app.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(NodeScript.Source("docs/examples")) });
        if (packages is not null)
        {
            app.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(Path.Combine(packages, "node_modules")), RequestPath = "/node_modules" });
        }
    });

    /// <summary>One page.</summary>
    public static Task<WebApplication> ServeAsync(string name, string html) =>
        ServeAsync(app => app.MapGet("/" + name, () => Results.Content(html, "text/html; charset=utf-8")));

    private static async Task<WebApplication> ServeAsync(Action<WebApplication> pages)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add($"http://localhost:{TestStores.FreePort()}");
        pages(app);
        await app.StartAsync();
        return app;
    }
}
