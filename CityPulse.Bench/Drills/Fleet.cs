using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;

namespace CityPulse.Bench.Drills;

/// <summary>What a drill needs.</summary>
internal sealed record FleetPlan
{
    public int Apis { get; init; } = 2;
    public int Realtimes { get; init; } = 2;
    /// <summary>
    /// How long clients keep a connection. Short, so that replicas that came back get their share again; for ever where it matters what
    /// becomes of kept ones.
    /// </summary>
    public TimeSpan ConnectionLifetime { get; init; } = TimeSpan.FromSeconds(2);
    /// <summary>Where PostgreSQL keeps its data, if not beside everything else.</summary>
    public string? DataFolder { get; init; }
    /// <summary>Environment of the Api, on top of what every drill has.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
    /// <summary>Environment of the second replica of the Api alone.</summary>
    public IReadOnlyDictionary<string, string> SecondApi { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// Replicas of the services as they are released, on stores of their own, all behind links: every process can be killed and started
/// again, every wire cut, and the others are reached at the same addresses as before.
/// </summary>
internal sealed class Fleet : IAsyncDisposable
{
    private const string Password = "drill";
    private readonly string _folder = Path.Combine(Subject.Repository, ".citypulse", $"drill-{Environment.ProcessId}");
    private readonly List<Subject> _subjects = [];
    private readonly List<Link> _links = [];
    private readonly FleetPlan _plan;
    private readonly string _encryptionKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
    private readonly string _internalKey = Guid.NewGuid().ToString("N");

    private Fleet(FleetPlan plan) => _plan = plan;

    public Replica Postgres { get; private set; } = null!;

    public Replica Redis { get; private set; } = null!;

    public List<Replica> Apis { get; } = [];

    public List<Replica> Realtimes { get; } = [];

    public Link ToPostgres { get; private set; } = null!;

    public Link ToRedis { get; private set; } = null!;

    /// <summary>From Realtime to the Api.</summary>
    public Link ToInternal { get; private set; } = null!;

    /// <summary>From clients to the Api.</summary>
    public Link ToApi { get; private set; } = null!;

    /// <summary>From clients to Realtime.</summary>
    public Link ToRealtime { get; private set; } = null!;

    public Uri Address => new($"http://127.0.0.1:{ToApi.Port}");

    public Uri Door => new($"http://127.0.0.1:{ToRealtime.Port}/ws");

    /// <summary>Past the links.</summary>
    public string Database => $"Host=127.0.0.1;Port={Postgres.Port};Username=postgres;Password={Password};Database=citydb;Pooling=false;Command Timeout=120";

    public static async Task<Fleet> StartAsync(FleetPlan plan, CancellationToken cancellationToken)
    {
        var fleet = new Fleet(plan);
        try
        {
            await fleet.StartAllAsync(cancellationToken);
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>A new organisation; the client carries its admin's token.</summary>
    public async Task<HttpClient> RegisterAsync(CancellationToken cancellationToken)
    {
        var client = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = _plan.ConnectionLifetime, ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = Address, Timeout = TimeSpan.FromSeconds(60),
        };
        var session = await PrivateStack.PostAsync(client, "/api/v1/auth/register", new
        {
            organizationName = "Drill",
            email = "drill@example.org",
            password = "correct horse battery staple",
            displayName = "Drill",
        }, cancellationToken);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", session.GetProperty("accessToken").GetString());
        return client;
    }

    public static async Task<Guid> AddBuildingAsync(HttpClient client, CancellationToken cancellationToken) => Id(await PrivateStack.PostAsync(
        client, "/api/v1/citypulse/buildings", new { name = "Drill", use = "office", timeZone = "America/New_York", floorAreaM2 = 1000 }, cancellationToken));

    public static async Task<Guid> AddSensorAsync(HttpClient client, Guid building, string name, CancellationToken cancellationToken) => Id(await PrivateStack.PostAsync(
        client, "/api/v1/citypulse/sensors", new { buildingId = building, quantity = "temperature", name, externalId = name }, cancellationToken));

    public static Guid Id(JsonElement resource) => resource.GetProperty("id").GetGuid();

    public async ValueTask DisposeAsync()
    {
        foreach (var subject in Enumerable.Reverse(_subjects))
        {
            await subject.DisposeAsync();
        }

        foreach (var link in _links)
        {
            await link.DisposeAsync();
        }

        PrivateStack.DeleteStores(_folder);
    }

    private async Task StartAllAsync(CancellationToken cancellationToken)
    {
        var secret = new Dictionary<string, string> { ["STORE_PASSWORD"] = Password };
        var (postgres, redis) = (Subject.FreePort(), Subject.FreePort());
        Postgres = new Replica("PostgreSQL", postgres, token => StoreAsync(
            "postgres", secret, ["--data", _plan.DataFolder ?? Path.Combine(_folder, "postgres"), "--port", $"{postgres}"], token));
        Redis = new Replica("Redis", redis, token => StoreAsync("redis", [], ["--port", $"{redis}"], token));
        await Postgres.StartAsync(cancellationToken);
        await Redis.StartAsync(cancellationToken);
        (ToPostgres, ToRedis) = (NewLink(postgres), NewLink(redis));

        var (ports, doors) = (Enumerable.Range(0, _plan.Apis).Select(_ => (Public: Subject.FreePort(), Internal: Subject.FreePort())).ToList(),
            Enumerable.Range(0, _plan.Realtimes).Select(_ => Subject.FreePort()).ToList());
        ToApi = NewLink([.. ports.Select(p => p.Public)]);
        ToInternal = NewLink([.. ports.Select(p => p.Internal)]);
        ToRealtime = NewLink([.. doors]);
        foreach (var (index, (own, inner)) in ports.Index())
        {
            Apis.Add(new Replica($"Api {index + 1}", own, token => StartAsync("CityPulse.Api", own, ApiSettings(index, inner), token)));
            await Apis[^1].StartAsync(cancellationToken);
        }

        foreach (var (index, own) in doors.Index())
        {
            Realtimes.Add(new Replica($"Realtime {index + 1}", own, token => StartAsync("CityPulse.Realtime", own, RealtimeSettings(), token)));
            await Realtimes[^1].StartAsync(cancellationToken);
        }
    }

    private Link NewLink(params int[] servers)
    {
        _links.Add(new Link(servers));
        return _links[^1];
    }

    private Dictionary<string, string> ApiSettings(int index, int internalPort)
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__citydb"] = $"Host=127.0.0.1;Port={ToPostgres.Port};Username=postgres;Password={Password};Database=citydb",
            ["INTERNAL_HTTP_PORT"] = $"{internalPort}",
            ["Auth__AllowRegistration"] = "true",
            ["Auth__KeyEncryptionKey"] = _encryptionKey,
            ["services__realtime__http__0"] = $"http://127.0.0.1:{ToRealtime.Port}",
        };
        foreach (var (key, value) in index == 1 ? _plan.Settings.Concat(_plan.SecondApi) : _plan.Settings)
        {
            settings[key] = value;
        }

        return settings;
    }

    private Dictionary<string, string> RealtimeSettings() => new()
    {
        ["services__api__http__0"] = Address.ToString(),
        ["services__api__internal__0"] = $"http://127.0.0.1:{ToInternal.Port}",
    };

    private async Task<Subject> StartAsync(string project, int port, Dictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var address = new Uri($"http://127.0.0.1:{port}");
        var subject = Subject.StartProject(project, new Dictionary<string, string>(settings)
        {
            ["ConnectionStrings__redis"] = $"127.0.0.1:{ToRedis.Port}",
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Internal__Key"] = _internalKey,
            ["RATE_LIMITING_ENABLED"] = "false",
            ["Logging__LogLevel__Default"] = "Warning",
        });
        _subjects.Add(subject);
        using var client = new HttpClient { BaseAddress = address };
        await subject.UntilAsync(
            () => PrivateStack.AnswersAsync(client, "/health/ready", cancellationToken), $"{project} becomes ready", TimeSpan.FromMinutes(2), cancellationToken);
        return subject;
    }

    private async Task<Subject> StoreAsync(string kind, Dictionary<string, string> environment, string[] arguments, CancellationToken cancellationToken)
    {
        var store = await PrivateStack.StartStoreAsync(kind, environment, arguments, cancellationToken);
        _subjects.Add(store);
        return store;
    }
}
