using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CityPulse.Bench.Reads;

/// <summary>
/// The limit to measure against: Kestrel as it comes, which answers whatever it is asked with the bytes of a file. A process of its own,
/// as the Api is one: there is nothing of ours in it.
/// </summary>
internal static class BareEndpoint
{
    public const string Verb = "bare-endpoint";

    /// <param name="args">Port and file.</param>
    public static async Task RunAsync(string[] args)
    {
        var body = await File.ReadAllBytesAsync(args[1]);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{args[0]}"));
        var app = builder.Build();
        app.Run(context =>
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            context.Response.ContentLength = body.Length;
            return context.Response.Body.WriteAsync(body).AsTask();
        });
        await app.StartAsync();
        Console.WriteLine("ready: bare endpoint");
        await app.WaitForShutdownAsync();
    }
}
