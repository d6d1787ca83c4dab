using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CityPulse.Tests.AiGateway;

/// <summary>One request as it came over the wire.</summary>
internal sealed record SeenRequest(string Method, string PathAndQuery, string? Authorization, string? Frontend, string Body);

/// <summary>A server on real Kestrel that answers what a test says, and remembers what it was asked.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<SeenRequest> _seen = new();

    private FakeServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public IReadOnlyList<SeenRequest> Seen => [.. _seen];

    public static async Task<FakeServer> StartAsync(Func<HttpContext, SeenRequest, Task> answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var server = new FakeServer(app);
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var request = new SeenRequest(
                context.Request.Method, context.Request.Path + context.Request.QueryString, context.Request.Headers.Authorization,
                context.Request.Headers["X-Frontend-Source"], await reader.ReadToEndAsync());
            server._seen.Enqueue(request);
            await answer(context, request);
        });
        await app.StartAsync();
        return server;
    }

    public static Task JsonAsync(HttpContext context, string json, int status = 200, string type = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(json);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>An Api with two buildings and a fixed ranking, by the bytes of the contract.</summary>
internal static class FakeApi
{
    public const string Hall = "00000000-0000-7000-8000-000000000001";
    public const string School = "00000000-0000-7000-8000-000000000002";

    public static Task<FakeServer> StartAsync(Func<HttpContext, SeenRequest, Task<bool>>? first = null) => FakeServer.StartAsync(async (context, request) =>
    {
        if (first is not null && await first(context, request))
        {
            return;
        }

        var body = context.Request.Path.Value switch
        {
            "/api/v1/citypulse/buildings" => $$"""
                {"items":[
                  {"id":"{{Hall}}","name":"Town Hall","code":"TH","use":"public","address":{"city":"Berlin"},"floorAreaM2":1000,"timeZone":"Europe/Berlin","version":1,"later":"unknown"},
                  {"id":"{{School}}","name":"Goethe School","code":null,"use":"school","address":null,"floorAreaM2":500,"timeZone":"Europe/Berlin","version":1}
                ],"nextCursor":null}
                """,
            "/api/v1/citypulse/sensors" => $$"""
                {"items":[{"id":"00000000-0000-7000-8000-00000000000a","buildingId":"{{Hall}}","externalId":"t1","name":"Lobby","quantity":"temperature","unit":"Cel","kind":"gauge",
                  "status":"online","lastReading":{"at":"2026-11-24T10:00:00Z","value":21.5} }],"nextCursor":null}
                """,
            "/api/v1/citypulse/energy" => """
                {"from":"2026-10-01T00:00:00Z","to":"2026-11-01T00:00:00Z","resolution":"1mo",
                 "totals":{"kwh":1234.5,"cost":null,"currency":null,"co2Kg":null,"peakKw":12.5,"peakAt":"2026-10-03T08:15:00Z","loadFactor":0.4,"euiKwhPerM2Year":14.5,"coverage":0.9,
                   "notes":{"co2Kg":"The building has no carbonIntensityKgPerKwh."}},"items":[]}
                """,
            "/api/v1/citypulse/energy/ranking" => $$"""
                {"from":"2026-10-01T00:00:00Z","to":"2026-11-01T00:00:00Z","metric":"kwh","unit":"kWh","items":[
                  {"rank":1,"buildingId":"{{School}}","name":"Goethe School","use":"school","value":987.654,"kwh":987.654,"coverage":1},
                  {"rank":2,"buildingId":"{{Hall}}","name":"Town Hall","use":"public","value":12,"kwh":12,"coverage":0.5} ] }
                """,
            _ => null,
        };
        await (body is null
            ? FakeServer.JsonAsync(context, """{"title":"Not Found","status":404,"detail":"There is no such thing."}""", 404, "application/problem+json")
            : FakeServer.JsonAsync(context, body));
    });
}
