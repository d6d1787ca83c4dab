using CityPulse.Api.Data;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CityPulse.Tests.Support;

/// <summary>
/// The real Api in this process, on a real Kestrel and a database of its own, so that tests can give it a clock or settings.
/// What several processes have to prove belongs to the AppHost ring.
/// </summary>
internal sealed class ApiHost : IAsyncDisposable
{
    /// <summary>Shared secret of the internal port in tests.</summary>
    public const string InternalKey = "test-internal-key";

    private readonly Factory _factory;

    private ApiHost(Factory factory, string connectionString, int internalPort)
    {
        _factory = factory;
        ConnectionString = connectionString;
        // The factory takes the last address for its clients, which may be the internal one.
        BaseAddress = factory.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(address => new Uri(address)).First(address => address.Port != internalPort);
        InternalAddress = new Uri($"http://127.0.0.1:{internalPort}");
    }

    public Uri BaseAddress { get; }

    public Uri InternalAddress { get; }

    public string ConnectionString { get; }

    public IServiceProvider Services => _factory.Services;

    /// <summary>The one with no settings of its own that the classes of a run share. Whoever takes it does not dispose it.</summary>
    public static Task<ApiHost> SharedAsync(TestStores stores) => stores.SharedAsync(nameof(ApiHost), () => StartAsync(stores));

    /// <summary>A database with the city's schema and nothing in it.</summary>
    public static Task<string> CreateDatabaseAsync(TestStores stores) => stores.CopyDatabaseAsync(nameof(ApiHost), async empty =>
    {
        // Production has no demo users; the keys are each host's own.
        await using (await StartAsync(stores, "Production", database: empty))
        {
        }

        await using var connection = new NpgsqlConnection($"{empty};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("DELETE FROM signing_keys", connection);
        await command.ExecuteNonQueryAsync();
    });

    /// <param name="environment">Development unless a test is about Production.</param>
    /// <param name="settings">Configuration on top of the defaults, as <c>Auth:Issuer</c>.</param>
    /// <param name="database">An existing database, for a second replica on the same data.</param>
    public static async Task<ApiHost> StartAsync(
        TestStores stores,
        string environment = "Development",
        IEnumerable<KeyValuePair<string, string?>>? settings = null,
        Action<IServiceCollection>? services = null,
        string? database = null)
    {
        database ??= await CreateDatabaseAsync(stores);
        var internalPort = TestStores.FreePort();
        var configuration = new Dictionary<string, string?>
        {
            ["ConnectionStrings:citydb"] = database,
            ["ConnectionStrings:redis"] = await stores.GetRedisAsync(),
            // Rather than by UseKestrel(port), which the program's own start may overtake.
            ["urls"] = "http://127.0.0.1:0",
            ["INTERNAL_HTTP_PORT"] = $"{internalPort}",
            ["Internal:Key"] = InternalKey,
            ["Auth:KeyEncryptionKey"] = Convert.ToBase64String(new byte[32]),
            ["Demo:Password"] = "CityPulse-demo-2026",
            ["RATE_LIMITING_ENABLED"] = "false",
            ["Shutdown:DrainSeconds"] = "0",
            ["Logging:LogLevel:Default"] = "Warning",
            // The runner tells results on the standard output, where Production's console would write between them.
            ["Logging:Console:FormatterName"] = "simple",
        };
        foreach (var (key, value) in settings ?? [])
        {
            configuration[key] = value;
        }

        var factory = new Factory(environment, configuration, services);
        factory.UseKestrel();
        factory.StartServer();
        var host = new ApiHost(factory, database, internalPort);
        using var client = host.CreateClient();
        await Eventually.TrueAsync(async () => (await client.GetAsync("/health/ready")).IsSuccessStatusCode, "the Api is ready");
        return host;
    }

    /// <summary>A client of the public port; redirects and cookies stay in the test's hands.</summary>
    public HttpClient CreateClient() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        // Whoever asks first whether a body is wanted waits for the answer, however busy the machine is.
        Expect100ContinueTimeout = TimeSpan.FromMinutes(1),
    })
    { BaseAddress = BaseAddress };

    public HttpClient CreateInternalClient()
    {
        var client = new HttpClient { BaseAddress = InternalAddress };
        client.DefaultRequestHeaders.Add("X-Internal-Key", InternalKey);
        return client;
    }

    public ValueTask DisposeAsync() => _factory.DisposeAsync();

    private sealed class Factory(string environment, Dictionary<string, string?> configuration, Action<IServiceCollection>? services)
        : WebApplicationFactory<CityDb>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseEnvironment(environment);
            foreach (var (key, value) in configuration)
            {
                builder.UseSetting(key, value);
            }

            // At the count of Production a run would spend minutes on passwords; WholeStackTests look at that count.
            builder.ConfigureServices(s => s.Configure<PasswordHasherOptions>(o => o.IterationCount = 1000));
            if (services is not null)
            {
                builder.ConfigureServices(services);
            }
        }
    }
}
