using CityPulse.Tests.Support;
using StackExchange.Redis;

namespace CityPulse.Tests.Realtime;

/// <summary>The real Api with replicas of the real Realtime behind its edge, and a Redis of their own.</summary>
internal sealed class LiveStack : IAsyncDisposable
{
    private readonly StoreProcess _redis;
    private readonly List<RealtimeHost> _replicas = [];

    private LiveStack(StoreProcess redis, ApiHost api)
    {
        _redis = redis;
        Api = api;
    }

    public ApiHost Api { get; }

    public IReadOnlyList<RealtimeHost> Replicas => _replicas;

    /// <summary>The door on the public origin.</summary>
    public Uri Door => new(Api.BaseAddress, "/ws");

    public static async Task<LiveStack> StartAsync(TestStores stores, int replicas = 2)
    {
        var redis = await TestStores.BorrowRedisAsync();
        var ports = Enumerable.Range(0, replicas).Select(_ => TestStores.FreePort()).ToList();
        List<KeyValuePair<string, string?>> settings = [new("ConnectionStrings:redis", $"127.0.0.1:{redis.Port}")];
        settings.AddRange(ports.Select((port, i) => KeyValuePair.Create<string, string?>($"services:realtime:http:{i}", $"http://127.0.0.1:{port}")));
        var stack = new LiveStack(redis, await ApiHost.StartAsync(stores, settings: settings));
        foreach (var port in ports)
        {
            stack._replicas.Add(await RealtimeHost.StartAsync(stack.Api.BaseAddress, stack.Api.InternalAddress, redis.Port, port: port));
        }

        return stack;
    }

    public Task<ConnectionMultiplexer> ConnectRedisAsync() => ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_redis.Port}");

    public async Task<City> RegisterAsync() => await City.RegisterAsync(Api.CreateClient());

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        await Api.DisposeAsync();
        await TestStores.GiveBackRedisAsync(_redis);
    }
}
