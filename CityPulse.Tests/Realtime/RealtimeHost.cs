using CityPulse.Realtime.Feed;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CityPulse.Tests.Realtime;

/// <summary>One replica of the real Realtime in this process, on a real Kestrel.</summary>
internal sealed class RealtimeHost : IAsyncDisposable
{
    private readonly Factory _factory;

    private RealtimeHost(Factory factory)
    {
        _factory = factory;
        Address = factory.ClientOptions.BaseAddress;
    }

    public Uri Address { get; }

    public Uri Door => new(Address, "/ws");

    public Broadcaster Broadcaster => _factory.Services.GetRequiredService<Broadcaster>();

    public IServiceProvider Services => _factory.Services;

    public static Task<RealtimeHost> StartAsync(
        FakeApi api, int redisPort, IEnumerable<KeyValuePair<string, string?>>? settings = null, bool waitForStream = true) =>
        StartAsync(api.Address, api.Address, redisPort, settings, waitForStream);

    public static async Task<RealtimeHost> StartAsync(
        Uri api, Uri internalApi, int redisPort, IEnumerable<KeyValuePair<string, string?>>? settings = null, bool waitForStream = true, int port = 0)
    {
        var configuration = new Dictionary<string, string?>
        {
            ["urls"] = $"http://127.0.0.1:{port}",
            ["ConnectionStrings:redis"] = $"127.0.0.1:{redisPort}",
            ["services:api:http:0"] = api.ToString(),
            ["services:api:internal:0"] = internalApi.ToString(),
            ["Internal:Key"] = FakeApi.InternalKey,
            ["RATE_LIMITING_ENABLED"] = "false",
            ["Logging:LogLevel:Default"] = "Warning",
            // The runner tells results on the standard output, where Production's console would write between them.
            ["Logging:Console:FormatterName"] = "simple",
        };
        foreach (var (key, value) in settings ?? [])
        {
            configuration[key] = value;
        }

        var factory = new Factory(configuration);
        factory.UseKestrel();
        factory.StartServer();
        var host = new RealtimeHost(factory);
        if (waitForStream)
        {
            await host.Broadcaster.Started.WaitAsync(LiveClient.Patience);
        }

        return host;
    }

    public ValueTask DisposeAsync() => _factory.DisposeAsync();

    private sealed class Factory(Dictionary<string, string?> configuration) : WebApplicationFactory<RealtimeOptions>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseEnvironment("Development");
            foreach (var (key, value) in configuration)
            {
                builder.UseSetting(key, value);
            }
        }
    }
}
