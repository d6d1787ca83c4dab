using System.Net.Http.Headers;
using System.Net.Http.Json;
using CityPulse.AiGateway.Models;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Revocations;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace CityPulse.Tests.AiGateway;

/// <summary>The real gateway in this process on real Kestrel, with a database of its own and an Api at a given address.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    private readonly Factory _factory;

    private GatewayHost(Factory factory, string database, TestTokens? tokens, TestLog log) =>
        (_factory, Database, Tokens, Log, BaseAddress) = (factory, database, tokens, log, factory.ClientOptions.BaseAddress);

    public Uri BaseAddress { get; }

    public string Database { get; }

    public IServiceProvider Services => _factory.Services;

    public TestLog Log { get; }

    private TestTokens? Tokens { get; }

    /// <param name="tokens">Whose tokens are good; without it those of the Api.</param>
    public static async Task<GatewayHost> StartAsync(
        TestStores stores, Uri api, TestTokens? tokens, Dictionary<string, string?>? settings = null, string? database = null, Uri? internalApi = null,
        TimeProvider? time = null, bool untilReady = true)
    {
        database ??= await stores.CreateDatabaseAsync();
        var log = new TestLog();
        var configuration = new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["ConnectionStrings:citydb"] = database,
            ["ConnectionStrings:redis"] = await stores.GetRedisAsync(),
            ["Services:api:http:0"] = api.ToString(),
            ["Services:api:internal:0"] = internalApi?.ToString(),
            ["Internal:Key"] = ApiHost.InternalKey,
            ["Auth:JwksUri"] = new Uri(api, "/.well-known/jwks.json").ToString(),
            ["RATE_LIMITING_ENABLED"] = "false",
            ["Logging:LogLevel:Default"] = "Trace",
            // The runner tells results on the standard output, where Production's console would write between them.
            ["Logging:Console:FormatterName"] = "simple",
            ["Logging:Console:LogLevel:Default"] = "Warning",
            ["Shutdown:DrainSeconds"] = "0",
        };
        foreach (var (key, value) in settings ?? [])
        {
            configuration[key] = value;
        }

        var factory = new Factory(configuration, services =>
        {
            services.AddSingleton<ILoggerProvider>(log);
            if (time is not null)
            {
                services.Replace(ServiceDescriptor.Singleton(time));
            }

            if (tokens is not null)
            {
                services.AddSingleton<IAccessTokenKeys>(tokens);
                services.AddSingleton<IRevocationSource>(new TestRevocations());
            }
        });
        factory.UseKestrel();
        factory.StartServer();
        var host = new GatewayHost(factory, database, tokens, log);
        using var client = new HttpClient { BaseAddress = host.BaseAddress };
        await Eventually.TrueAsync(async () => !untilReady || (await client.GetAsync("/health/ready")).IsSuccessStatusCode, "the gateway is ready");
        return host;
    }

    /// <summary>A client with a token of a fresh user, unless one is given.</summary>
    public HttpClient CreateClient(string? token = null, Role role = Role.User)
    {
        var client = new HttpClient { BaseAddress = BaseAddress };
        token ??= Tokens?.Issue(role);
        client.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    public ValueTask DisposeAsync() => _factory.DisposeAsync();

    private sealed class Factory(Dictionary<string, string?> configuration, Action<IServiceCollection> services) : WebApplicationFactory<ModelCatalogue>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseEnvironment("Production");
            foreach (var (key, value) in configuration)
            {
                builder.UseSetting(key, value);
            }

            builder.ConfigureServices(services);
        }
    }
}

internal static class ChatClientExtensions
{
    public static Task<HttpResponseMessage> ChatAsync(this HttpClient client, object body) => client.PostAsJsonAsync("/api/v1/ai/chat", body);

    public static Task<HttpResponseMessage> AskAsync(this HttpClient client, string message, Guid? conversationId = null) => conversationId is { } id
        ? client.ChatAsync(new { message, conversationId = id })
        : client.ChatAsync(new { message });
}
