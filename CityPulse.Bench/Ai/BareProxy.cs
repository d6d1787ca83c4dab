using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CityPulse.Bench.Ai;

/// <summary>The limit to measure against: YARP as it comes, which hands every request on and knows nobody.</summary>
internal static class BareProxy
{
    public const string Verb = "bare-proxy";

    public static async Task RunAsync(int port, string upstream)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        builder.Services.AddHttpForwarder();
        var app = builder.Build();
        app.MapForwarder("/{**all}", upstream);
        await app.StartAsync();
        Console.WriteLine("ready: bare proxy");
        await app.WaitForShutdownAsync();
    }
}
