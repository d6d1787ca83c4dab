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

    public Subject Api { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public string Database { get; private set; } = "";

    public static async Task<PrivateStack> StartAsync(CancellationToken cancellationToken)
    {
        var stack = new PrivateStack();
        try
        {
            await stack.StartAllAsync(cancellationToken);
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

        var data = new DirectoryInfo(Path.Combine(_folder, "postgres"));
        // Where the repository is closed to other users, the cluster lives elsewhere and a link leads there.
        if (data.ResolveLinkTarget(returnFinalTarget: true) is DirectoryInfo elsewhere)
        {
            elsewhere.Delete(recursive: true);
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task StartAllAsync(CancellationToken cancellationToken)
    {
        var (postgresPort, redisPort, apiPort) = (Subject.FreePort(), Subject.FreePort(), Subject.FreePort());
        var secret = new Dictionary<string, string> { ["STORE_PASSWORD"] = Password };
        await StoreAsync("postgres", secret, ["--data", Path.Combine(_folder, "postgres"), "--port", $"{postgresPort}"], cancellationToken);
        await StoreAsync("redis", [], ["--port", $"{redisPort}"], cancellationToken);

        Database = $"Host=127.0.0.1;Port={postgresPort};Username=postgres;Password={Password};Database=citydb";
        Address = new Uri($"http://127.0.0.1:{apiPort}");
        Api = Subject.StartProject("CityPulse.Api", new Dictionary<string, string>
        {
            ["ConnectionStrings__citydb"] = Database,
            ["ConnectionStrings__redis"] = $"127.0.0.1:{redisPort}",
            ["ASPNETCORE_URLS"] = Address.ToString(),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Auth__AllowRegistration"] = "true",
            ["Auth__KeyEncryptionKey"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
            ["RATE_LIMITING_ENABLED"] = "false",
            ["Logging__LogLevel__Default"] = "Warning",
        });
        _subjects.Add(Api);
        using var client = new HttpClient { BaseAddress = Address };
        await Api.UntilAsync(() => AnswersAsync(client, "/health/ready", cancellationToken), "The Api becomes ready", TimeSpan.FromMinutes(2), cancellationToken);
    }

    private async Task StoreAsync(string kind, Dictionary<string, string> environment, string[] arguments, CancellationToken cancellationToken)
    {
        var store = Subject.StartProject("CityPulse.Stores", environment, [kind, .. arguments, "--parent", $"{Environment.ProcessId}"]);
        _subjects.Add(store);
        await store.UntilAsync(() => store.HasSaidAsync("ready:"), $"The store {kind} becomes ready", TimeSpan.FromMinutes(2), cancellationToken);
    }

    public static async Task<bool> AnswersAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await client.GetAsync(path, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
