using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CityPulse.Tests.Api.Alerts.Channels;

/// <summary>What came over the wire.</summary>
internal sealed record Received(string? EventId, string? Signature, string? ContentType, byte[] Body)
{
    public JsonElement Event => JsonElement.Parse(Body);

    /// <summary>Computed here from the contract's words alone.</summary>
    public bool IsSignedWith(string secret)
    {
        var parts = (Signature ?? "").Split(',').Select(p => p.Split('=')).ToDictionary(p => p[0], p => p[1]);
        var signed = Encoding.UTF8.GetBytes(parts["t"] + ".").Concat(Body).ToArray();
        return Convert.FromHexString(parts["v1"]).SequenceEqual(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed));
    }
}

/// <summary>A receiver of webhooks on real Kestrel. It answers what a test says: by the request and how many came before it.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Received> _seen = new();

    private Receiver(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    public string Url => $"http://127.0.0.1:{Port}/hook";

    public IReadOnlyList<Received> Seen => [.. _seen];

    public static Task<Receiver> StartAsync(int status = 200) => StartAsync((context, _) =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    });

    public static async Task<Receiver> StartAsync(Func<HttpContext, int, Task> answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // By name as well: localhost may be either address.
        builder.WebHost.UseKestrel(kestrel => kestrel.ListenAnyIP(0));
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(100));
        var app = builder.Build();
        var receiver = new Receiver(app);
        var count = 0;
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var headers = context.Request.Headers;
            receiver._seen.Enqueue(new Received(headers["X-CityPulse-Event-Id"], headers["X-CityPulse-Signature"], context.Request.ContentType, body.ToArray()));
            await answer(context, Interlocked.Increment(ref count) - 1);
        });
        await app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
