using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CityPulse.Bench.Fanout;

/// <summary>
/// The limit to measure against: SignalR's own broadcast to all connections, in a loop, with nothing of ours around it.
/// Runs as a process of its own and is told over HTTP what to do.
/// </summary>
internal static class BareHub
{
    public const string Command = "bare-hub";

    public static async Task RunAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Logging.ClearProviders();
        builder.Services.AddSignalR();
        await using var app = builder.Build();
        app.MapHub<EmptyHub>("/ws");
        app.MapGet("/ready", () => "ready");
        app.MapPost("/rate", RateAsync);
        app.MapPost("/saturate", SaturateAsync);
        await app.RunAsync();
    }

    /// <summary>So many broadcasts a second; answers how many there were.</summary>
    private static async Task<string> RateAsync(IHubContext<EmptyHub> hub, double perSecond, double seconds)
    {
        var sent = 0;
        for (var start = Stopwatch.GetTimestamp(); sent < perSecond * seconds; sent++)
        {
            await Pace.UntilAsync(start, sent / perSecond);
            await hub.Clients.All.SendAsync("event", BareEvent.Now());
        }

        return sent.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>One broadcast after the other, each as soon as the one before was taken.</summary>
    private static async Task<string> SaturateAsync(IHubContext<EmptyHub> hub, double seconds)
    {
        var sent = 0;
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; sent++)
        {
            await hub.Clients.All.SendAsync("event", BareEvent.Now());
        }

        return sent.ToString(CultureInfo.InvariantCulture);
    }

    private sealed class EmptyHub : Hub;

    /// <summary>An event of the same shape and length as ours.</summary>
    private sealed record BareEvent(string Id, string Topic, string Type, DateTimeOffset At, Guid OrganizationId, BareReading[] Data)
    {
        private static readonly Guid Some = Guid.CreateVersion7();
        private static long _last;

        public static BareEvent Now()
        {
            var at = TimeProvider.System.GetUtcNow();
            return new BareEvent($"{++_last:D20}", "readings", "readings", at, Some, [new BareReading(Some, Some, at, Clock.Milliseconds())]);
        }
    }

    private sealed record BareReading(Guid SensorId, Guid BuildingId, DateTimeOffset At, double Value);
}

/// <summary>A clock that all processes of the machine share.</summary>
internal static class Clock
{
    public static double Milliseconds() => Math.Round(Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency, 3);
}

internal static class Pace
{
    /// <summary>Waits until so many seconds after <paramref name="start"/>.</summary>
    public static async Task UntilAsync(long start, double seconds)
    {
        var left = TimeSpan.FromSeconds(seconds) - Stopwatch.GetElapsedTime(start);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left);
        }
    }
}
