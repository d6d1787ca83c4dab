using CityPulse.Contracts;
using CityPulse.ServiceDefaults;
using CityPulse.ServiceDefaults.Revocations;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CityPulse.Tests.Support;

/// <summary>A tiny service on real Kestrel that has nothing but the service defaults and what a test maps.</summary>
internal sealed class DefaultsHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private DefaultsHost(WebApplication app, TestTokens tokens, TestRevocations revocations, TestLog log)
    {
        _app = app;
        Tokens = tokens;
        Revocations = revocations;
        Log = log;
        Addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];
        Client = CreateClient();
    }

    public TestTokens Tokens { get; }

    public TestRevocations Revocations { get; }

    public TestLog Log { get; }

    public IReadOnlyList<string> Addresses { get; }

    public Uri Address => new(Addresses[0]);

    public IServiceProvider Services => _app.Services;

    /// <summary>Sends to the first address; follows no redirects and decompresses nothing.</summary>
    public HttpClient Client { get; }

    public static async Task<DefaultsHost> StartAsync(
        Action<WebApplication>? map = null,
        Action<WebApplicationBuilder>? configure = null,
        string environment = "Production",
        Dictionary<string, string?>? settings = null)
    {
        var tokens = new TestTokens();
        var revocations = new TestRevocations();
        var log = new TestLog();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = environment, ApplicationName = "defaults" });
        builder.WebHost.UseKestrel();
        builder.Services.AddRoutingCore();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["Shutdown:DrainSeconds"] = "0",
            ["RATE_LIMITING_ENABLED"] = "false",
        });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Logging.AddProvider(log).SetMinimumLevel(LogLevel.Debug);
        builder.AddServiceDefaults();
        builder.Services.AddSingleton<IAccessTokenKeys>(tokens);
        builder.Services.AddSingleton<IRevocationSource>(revocations);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.MapServiceDefaults();
        map?.Invoke(app);
        await app.StartAsync();
        return new DefaultsHost(app, tokens, revocations, log);
    }

    public HttpClient CreateClient(int address = 0) => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
    {
        BaseAddress = new Uri(Addresses[address]),
    };

    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? body = null, Role? role = null, Frontend? issuedTo = null, string? frontend = null, string? token = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = body };
        if (token is not null || role is not null)
        {
            request.Headers.Authorization = new("Bearer", token ?? Tokens.Issue(role!.Value, issuedTo));
        }

        if (frontend is not null)
        {
            request.Headers.Add(CityHeaders.FrontendSource, frontend);
        }

        return Client.SendAsync(request);
    }

    public void BeginShutdown() => _app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        Tokens.Dispose();
        Log.Dispose();
    }
}
