using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;

namespace CityPulse.Bench;

/// <summary>The Api as it is released, on stores of its own that nobody else uses, all gone afterwards.</summary>
internal sealed class PrivateStack : IAsyncDisposable
{
    private const string Password = "bench";
    private readonly string _folder = Path.Combine(Subject.Repository, ".citypulse", $"bench-{Environment.ProcessId}");
    private readonly List<Subject> _subjects = [];
    private readonly string _encryptionKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
    private string _redis = "";
    private string _repository = Subject.Repository;
    private Func<CancellationToken, Task> _startApi = _ => Task.CompletedTask;
    private Func<CancellationToken, Task> _startPostgres = _ => Task.CompletedTask;
    private Subject? _postgres;

    public Subject Api { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    /// <summary>Once it was started.</summary>
    public Subject Realtime { get; private set; } = null!;

    public Uri RealtimeAddress { get; private set; } = null!;

    public string Database { get; private set; } = "";

    /// <param name="settings">Environment of the Api, on top of what every benchmark has.</param>
    /// <param name="repository">Where another version of the Api lies, built.</param>
    public static async Task<PrivateStack> StartAsync(
        CancellationToken cancellationToken, IReadOnlyDictionary<string, string>? settings = null, string? repository = null)
    {
        var stack = new PrivateStack { _repository = repository ?? Subject.Repository };
        try
        {
            await stack.StartAllAsync(settings ?? new Dictionary<string, string>(), cancellationToken);
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    /// <summary>A new organisation; the client carries its admin's token.</summary>
    public async Task<HttpClient> RegisterAsync(CancellationToken cancellationToken)
    {
        var client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromMinutes(2) };
        var session = await PostAsync(client, "/api/v1/auth/register", new
        {
            organizationName = "Benchmark",
            email = "bench@example.org",
            password = "correct horse battery staple",
            displayName = "Bench",
        }, cancellationToken);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", session.GetProperty("accessToken").GetString());
        return client;
    }

    public static async Task<JsonElement> PostAsync(HttpClient client, string path, object body, CancellationToken cancellationToken)
    {
        using var response = await client.PostAsJsonAsync(path, body, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        return response.IsSuccessStatusCode
            ? JsonElement.Parse(text)
            : throw new BenchException($"POST {path} answered {(int)response.StatusCode}: {text}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var subject in Enumerable.Reverse(_subjects))
        {
            await subject.DisposeAsync();
        }

        DeleteStores(_folder);
    }

    /// <summary>Deletes what stores have left in a folder.</summary>
    public static void DeleteStores(string folder)
    {
        var data = new DirectoryInfo(Path.Combine(folder, "postgres"));
        // Where the repository is closed to other users, the cluster lives elsewhere and a link leads there.
        if (data.Exists && data.ResolveLinkTarget(returnFinalTarget: true) is DirectoryInfo elsewhere)
        {
            elsewhere.Delete(recursive: true);
        }

        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>kill -9 of one or both, and up again from what is on the disk.</summary>
    public async Task CrashAsync(bool api, bool postgres, CancellationToken cancellationToken)
    {
        await Task.WhenAll(api ? Api.KillAsync() : Task.CompletedTask, postgres ? _postgres!.KillAsync() : Task.CompletedTask);
        if (postgres)
        {
            await _startPostgres(cancellationToken);
        }

        if (api)
        {
            await _startApi(cancellationToken);
        }
    }

    private async Task StartAllAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var (postgresPort, redisPort) = (Subject.FreePort(), Subject.FreePort());
        var secret = new Dictionary<string, string> { ["STORE_PASSWORD"] = Password };
        _startPostgres = async token => _postgres = await StoreAsync(
            "postgres", secret, ["--data", Path.Combine(_folder, "postgres"), "--port", $"{postgresPort}"], token);
        await _startPostgres(cancellationToken);
        await StoreAsync("redis", [], ["--port", $"{redisPort}"], cancellationToken);

        Database = $"Host=127.0.0.1;Port={postgresPort};Username=postgres;Password={Password};Database=citydb";
        _redis = $"127.0.0.1:{redisPort}";
        Address = NewAddress();
        _startApi = async token => Api = await StartApiAsync(_repository, Address, settings, token);
        await _startApi(cancellationToken);
    }

    /// <summary>One more replica on the same stores, with settings of its own, and of another version if need be.</summary>
    public async Task<(Subject Api, Uri Address)> StartAnotherApiAsync(
        IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken, string? repository = null)
    {
        var address = NewAddress();
        return (await StartApiAsync(repository ?? Subject.Repository, address, settings, cancellationToken), address);
    }

    /// <summary>Realtime on the same stores. The Api must have been given this internal port and key.</summary>
    public async Task StartRealtimeAsync(int internalPort, string internalKey, CancellationToken cancellationToken)
    {
        RealtimeAddress = NewAddress();
        Realtime = Subject.StartProject("CityPulse.Realtime", new Dictionary<string, string>
        {
            ["ConnectionStrings__redis"] = _redis,
            ["services__api__http__0"] = Address.ToString(),
            ["services__api__internal__0"] = $"http://127.0.0.1:{internalPort}",
            ["ASPNETCORE_URLS"] = RealtimeAddress.ToString(),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Internal__Key"] = internalKey,
            ["RATE_LIMITING_ENABLED"] = "false",
            ["Logging__LogLevel__Default"] = "Warning",
            // It would watch the folder that it is started in, with the stores' files in it.
            ["DOTNET_hostBuilder__reloadConfigOnChange"] = "false",
        });
        _subjects.Add(Realtime);
        using var client = new HttpClient { BaseAddress = RealtimeAddress };
        await Realtime.UntilAsync(() => AnswersAsync(client, "/health/ready", cancellationToken), "Realtime becomes ready", TimeSpan.FromMinutes(2), cancellationToken);
    }

    /// <summary>The AI gateway on the same stores. The Api must have been given this internal port and key.</summary>
    public async Task<(Subject Gateway, Uri Address)> StartGatewayAsync(
        int internalPort, string internalKey, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var address = NewAddress();
        var environment = new Dictionary<string, string>
        {
            ["ConnectionStrings__citydb"] = Database,
            ["ConnectionStrings__redis"] = _redis,
            ["services__api__http__0"] = Address.ToString(),
            ["services__api__internal__0"] = $"http://127.0.0.1:{internalPort}",
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Internal__Key"] = internalKey,
            ["Logging__LogLevel__Default"] = "Warning",
            // It would watch the folder that it is started in, with the stores' files in it.
            ["DOTNET_hostBuilder__reloadConfigOnChange"] = "false",
        };
        foreach (var (key, value) in settings)
        {
            environment[key] = value;
        }

        var gateway = Subject.StartProject("CityPulse.AiGateway", environment);
        _subjects.Add(gateway);
        using var client = new HttpClient { BaseAddress = address };
        await gateway.UntilAsync(() => AnswersAsync(client, "/health/ready", cancellationToken), "The gateway becomes ready", TimeSpan.FromMinutes(2), cancellationToken);
        return (gateway, address);
    }

    private static Uri NewAddress() => new($"http://127.0.0.1:{Subject.FreePort()}");

    private async Task<Subject> StartApiAsync(string repository, Uri address, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>
        {
            ["ConnectionStrings__citydb"] = Database,
            ["ConnectionStrings__redis"] = _redis,
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Auth__AllowRegistration"] = "true",
            ["Auth__KeyEncryptionKey"] = _encryptionKey,
            ["RATE_LIMITING_ENABLED"] = "false",
            ["Logging__LogLevel__Default"] = "Warning",
            // It would watch the folder that it is started in, with the stores' files in it.
            ["DOTNET_hostBuilder__reloadConfigOnChange"] = "false",
        };
        foreach (var (key, value) in settings)
        {
            environment[key] = value;
        }

        var api = Subject.StartProjectOf(repository, "CityPulse.Api", environment);
        _subjects.Add(api);
        using var client = new HttpClient { BaseAddress = address };
        await api.UntilAsync(() => AnswersAsync(client, "/health/ready", cancellationToken), "The Api becomes ready", TimeSpan.FromMinutes(2), cancellationToken);
        return api;
    }

    private async Task<Subject> StoreAsync(string kind, Dictionary<string, string> environment, string[] arguments, CancellationToken cancellationToken)
    {
        var store = await StartStoreAsync(kind, environment, arguments, cancellationToken);
        _subjects.Add(store);
        return store;
    }

    public static async Task<Subject> StartStoreAsync(
        string kind, IReadOnlyDictionary<string, string> environment, string[] arguments, CancellationToken cancellationToken)
    {
        var store = Subject.StartProject("CityPulse.Stores", environment, [kind, .. arguments, "--parent", $"{Environment.ProcessId}"]);
        await store.UntilAsync(() => store.HasSaidAsync("ready:"), $"The store {kind} becomes ready", TimeSpan.FromMinutes(2), cancellationToken);
        return store;
    }

    public static async Task<bool> AnswersAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await client.GetAsync(path, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
