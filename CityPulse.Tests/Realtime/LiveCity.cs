using System.Buffers;
using System.Globalization;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using StackExchange.Redis;

namespace CityPulse.Tests.Realtime;

/// <summary>A Redis and an Api of a test's own, and the dispatcher between them. Never shared: there is one order a Redis.</summary>
internal sealed class LiveCity : IAsyncDisposable
{
    private readonly List<RealtimeHost> _hosts = [];
    private readonly List<IAsyncDisposable> _clients = [];
    private StoreProcess _store;
    private ConnectionMultiplexer _redis;

    private LiveCity(FakeApi api, StoreProcess store, ConnectionMultiplexer redis)
    {
        Api = api;
        _store = store;
        _redis = redis;
    }

    public FakeApi Api { get; }

    public Guid Organization { get; } = Guid.CreateVersion7();

    public static async Task<LiveCity> StartAsync()
    {
        var store = await TestStores.BorrowRedisAsync();
        return new LiveCity(await FakeApi.StartAsync(), store, await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{store.Port}"));
    }

    public async Task<RealtimeHost> ReplicaAsync(params (string Key, string Value)[] settings)
    {
        var host = await RealtimeHost.StartAsync(Api, _store.Port, settings.Select(s => KeyValuePair.Create<string, string?>(s.Key, s.Value)));
        _hosts.Add(host);
        return host;
    }

    public async Task<LiveClient> ConnectAsync(RealtimeHost host, Guid? organization = null, bool messagePack = false, bool skipNegotiation = false)
    {
        var client = await LiveClient.ConnectAsync(host, Api.Token(organization ?? Organization), messagePack, skipNegotiation);
        _clients.Add(client);
        return client;
    }

    public async Task<SocketIoClient> ConnectSocketIoAsync(RealtimeHost host)
    {
        var before = host.Broadcaster.Connections.Count;
        var client = await SocketIoClient.ConnectAsync(host.Door, Api.Token(Organization));
        _clients.Add(client);
        // It is told that it is signed in a moment before the replica counts it.
        await Eventually.TrueAsync(() => host.Broadcaster.Connections.Count > before, "the client is followed");
        return client;
    }

    /// <summary>Stores readings and tells Redis, as Api does after a commit.</summary>
    public async Task<StreamRecord> StoreAsync(params (Guid Sensor, Guid Building, DateTimeOffset At, double Value)[] readings) =>
        await PublishAsync(Append(Organization, readings));

    /// <summary>Stores one reading of no matter which sensor.</summary>
    public Task<StreamRecord> StoreOneAsync(Guid? organization = null) => PublishAsync(AppendOne(organization));

    /// <summary>Stores one reading, and Redis does not hear of it.</summary>
    public StreamRecord AppendOne(Guid? organization = null) =>
        Append(organization ?? Organization, [(Guid.CreateVersion7(), Guid.CreateVersion7(), TimeProvider.System.GetUtcNow(), 1)]);

    public async Task<StreamRecord> PublishAsync(StreamRecord record)
    {
        await _redis.GetSubscriber().PublishAsync(RedisChannel.Literal(StreamRecord.Channel(record.OrganizationId)), record.ToBytes());
        return record;
    }

    public StreamRecord Append(Guid organization, (Guid Sensor, Guid Building, DateTimeOffset At, double Value)[] readings)
    {
        var data = new ArrayBufferWriter<byte>();
        foreach (var sensor in readings.GroupBy(r => (r.Sensor, r.Building)))
        {
            var points = sensor.Select(r => new ReadingBatch.Point((r.At - DateTimeOffset.UnixEpoch).Ticks / 10, r.Value)).ToArray();
            ReadingBatch.WriteBlock(data, sensor.Key.Sensor, sensor.Key.Building, points);
        }

        return Api.Append(organization, StreamRecord.ReadingsType, [], data.WrittenMemory);
    }

    public Task KillRedisAsync() => _store.KillAsync();

    public async Task RestartRedisAsync()
    {
        var port = _store.Port;
        await _store.DisposeAsync();
        _store = await TestStores.StartRedisAsync(port);
        await _redis.DisposeAsync();
        _redis = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{port}");
    }

    /// <summary>The id of a record's event on topic <c>readings</c>.</summary>
    public static EventId IdOf(StreamRecord record, int index = 0) => new(record.Position, index);

    public static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        await _redis.DisposeAsync();
        await TestStores.GiveBackRedisAsync(_store);
        await Api.DisposeAsync();
    }
}
