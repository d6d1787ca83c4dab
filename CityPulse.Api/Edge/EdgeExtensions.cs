using System.Diagnostics;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.ServiceDiscovery.Http;
using Yarp.ReverseProxy.Forwarder;

namespace CityPulse.Api.Edge;

/// <summary>
/// The one public origin: what belongs to the other services is handed on to them, byte by byte as it comes. They authenticate and
/// limit for themselves, so that an ingress may also go to them directly.
/// </summary>
internal static class EdgeExtensions
{
    public static WebApplicationBuilder AddEdge(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<EdgeOptions>().Bind(builder.Configuration.GetSection(EdgeOptions.Section)).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<EdgeOptions>, EdgeOptionsValidator>();
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<EdgeClient>();
        builder.AddApiDescription();
        return builder;
    }

    public static WebApplication MapEdge(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<IOptions<EdgeOptions>>().Value;
        app.MapForward("/ws/{**rest}", options.Realtime, options);
        app.MapForward("/api/v1/ai/{**rest}", options.AiGateway, options);
        app.MapForward("/api/v1/swarm/{**rest}", options.AiGateway, options);
        app.MapForward("/openapi/ai.json", options.AiGateway, options);
        app.MapApiDescription();
        app.MapInfo();
        return app;
    }

    private static void MapForward(this WebApplication app, string pattern, Uri service, EdgeOptions options) => app
        .MapForwarder(
            pattern,
            service.GetLeftPart(UriPartial.Authority),
            new ForwarderRequestConfig { ActivityTimeout = TimeSpan.FromMinutes(options.SilenceMinutes) },
            EdgeTransformer.Instance,
            app.Services.GetRequiredService<EdgeClient>().Invoker)
        .AllowAnonymous()
        .PassThrough()
        .ExcludeFromDescription();
}

/// <summary>
/// The client of the forwarder: finds services by name, and has none of the resilience of other clients, since it must neither repeat
/// a call nor end one that takes long.
/// </summary>
internal sealed class EdgeClient(IServiceDiscoveryHttpMessageHandlerFactory discovery) : IDisposable
{
    public HttpMessageInvoker Invoker { get; } = new(discovery.CreateHandler(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = System.Net.DecompressionMethods.None,
        EnableMultipleHttp2Connections = true,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ActivityHeadersPropagator = new ReverseProxyPropagator(DistributedContextPropagator.Current),
    }));

    public void Dispose() => Invoker.Dispose();
}
