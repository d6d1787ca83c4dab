using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CityPulse.Bench.Drills;

/// <summary>A receiver of webhooks that now and then fails, after it has read the message or before.</summary>
internal sealed class Hooks : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _calls;

    private Hooks(WebApplication app) => _app = app;

    /// <summary>What it took: every message with the id of its event.</summary>
    public ConcurrentQueue<(Guid EventId, string Type, Guid Alert, string Body)> Taken { get; } = new();

    public int Refused { get; private set; }

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/hook";

    public static async Task<Hooks> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        var hooks = new Hooks(builder.Build());
        hooks._app.Run(hooks.TakeAsync);
        await hooks._app.StartAsync(cancellationToken);
        return hooks;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        if (Interlocked.Increment(ref _calls) % 10 == 0)
        {
            Refused++;
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }

        using var reader = new StreamReader(http.Request.Body);
        var body = await reader.ReadToEndAsync(http.RequestAborted);
        var told = JsonElement.Parse(body);
        Taken.Enqueue((
            Guid.Parse(http.Request.Headers["X-CityPulse-Event-Id"].ToString()), told.GetProperty("type").GetString()!,
            told.GetProperty("data").GetProperty("id").GetGuid(), body));
    }
}
