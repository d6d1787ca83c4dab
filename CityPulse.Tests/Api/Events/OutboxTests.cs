using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using CityPulse.Contracts;
using CityPulse.Tests.Api.Readings;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;
using StackExchange.Redis;

namespace CityPulse.Tests.Api.Events;

public sealed class OutboxTests(OwnReadingsApi api) : IClassFixture<OwnReadingsApi>
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_batch_tells_its_stored_rows_and_nothing_else()
    {
        var (city, building, sensor) = await api.WithMeterAsync();
        var second = await city.CreateSensorAsync(building, "temperature", "second");
        var after = await SettledAsync();
        await ReadingsApi.PostAsync(city, ReadingsApi.Json(("second", "2026-01-01T00:00:00Z", 1), ("meter", "2026-01-01T00:00:00Z", 2), ("nobody", "2026-01-01T00:00:00Z", 2)));
        await ReadingsApi.PostAsync(city, ReadingsApi.Json(("second", "2026-01-01T00:00:00Z", 1)));
        await ReadingsApi.PostAsync(city, ReadingsApi.Json(("second", "2026-01-01T00:00:00Z", 1), ("meter", "2026-01-01T00:00:00Z", 3), ("meter", "2026-01-01T00:01:00Z", 4)));

        var records = await RecordsAsync(api.Host, city.OrganizationId, after, 2);
        records.ShouldAllBe(r => r.Type == StreamRecord.ReadingsType && r.Topics.Length == 0);
        Told(records[0]).ShouldBe([(sensor, building, Start, 2), (second, building, Start, 1)], ignoreOrder: true);
        Told(records[1]).ShouldBe([(sensor, building, Start, 3), (sensor, building, Start.AddMinutes(1), 4)]);
        (await StreamAsync(api.Host, after, city.OrganizationId)).Records.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Records_of_many_writers_are_told_in_one_order_without_gap_each_once()
    {
        var redis = await ConnectionMultiplexer.ConnectAsync(await api.Stores.GetRedisAsync());
        await using var _ = redis;
        var told = await SubscribeAsync(redis);
        var cities = new List<City>();
        for (var i = 0; i < 3; i++)
        {
            cities.Add((await api.WithMeterAsync()).City);
        }

        var before = await SettledAsync();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async writer =>
        {
            for (var i = 0; i < 25; i++)
            {
                await cities[writer % 3].IngestAsync("meter", (Start.AddSeconds((writer * 1000) + i), i));
            }
        }));

        await Eventually.TrueAsync(() => Mine().Count >= 150, "all batches are told");
        var stream = await AllAsync(api.Host, before);
        stream.Select(r => r.Position).ShouldBe(Enumerable.Range(1, 150).Select(i => before + i));
        stream.ShouldAllBe(r => r.Previous == r.Position - 1);
        Mine().Select(r => r.Position).ShouldBe(stream.Select(r => r.Position));
        foreach (var city in cities)
        {
            stream.Count(r => r.OrganizationId == city.OrganizationId).ShouldBe(50);
        }

        // Other tests of this class share the database; each test's organisations are its own.
        List<StreamRecord> Mine() => [.. told.Where(r => r.Position > before && cities.Any(c => c.OrganizationId == r.OrganizationId))];
    }

    [Fact]
    public async Task The_stream_is_for_services_only()
    {
        using var outside = api.Host.CreateClient();
        (await outside.GetAsync("/internal/stream?after=0")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var keyless = new HttpClient { BaseAddress = api.Host.InternalAddress };
        (await keyless.GetAsync("/internal/stream?after=0")).IsSuccessStatusCode.ShouldBeFalse();
        using var inside = api.Host.CreateInternalClient();
        (await inside.GetAsync("/internal/stream?after=-1")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await inside.GetAsync("/internal/stream?after=0&limit=5001")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await inside.GetAsync("/internal/stream?after=0&limit=1")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Another_replica_takes_over_when_the_dispatcher_loses_its_connection()
    {
        var (city, _, _) = await api.WithMeterAsync();
        await using var other = await ApiHost.StartAsync(api.Stores, settings: ReadingsApi.Unlimited, database: api.Host.ConnectionString);
        var after = await SettledAsync();
        for (var term = 0; term < 4; term++)
        {
            await city.IngestAsync("meter", (Start.AddMinutes(term), term));
            await RecordsAsync(api.Host, city.OrganizationId, after, term + 1);
            await api.ScalarAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1129316355 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
        }

        (await AllAsync(other, after)).Where(r => r.OrganizationId == city.OrganizationId).SelectMany(Told).Select(t => t.Value).ShouldBe([0, 1, 2, 3]);
    }

    [Fact]
    public async Task What_happens_while_redis_is_away_is_told_in_order_when_it_is_back()
    {
        var store = await TestStores.StartRedisAsync();
        await using var host = await ApiHost.StartAsync(
            api.Stores, settings: new Dictionary<string, string?>(ReadingsApi.Unlimited) { ["ConnectionStrings:redis"] = $"127.0.0.1:{store.Port},abortConnect=false" });
        var city = await City.RegisterAsync(host.CreateClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "meter");
        await store.KillAsync();
        for (var i = 0; i < 5; i++)
        {
            await city.IngestAsync("meter", (Start.AddMinutes(i), i));
        }

        // The stream has them before Redis does.
        await RecordsAsync(host, city.OrganizationId, 0, 7);
        await using var again = await TestStores.StartRedisAsync(store.Port);
        await using var redis = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{again.Port}");
        var told = await SubscribeAsync(redis);
        for (var i = 5; i < 8; i++)
        {
            await city.IngestAsync("meter", (Start.AddMinutes(i), i));
        }

        await Eventually.TrueAsync(() => told.Any(r => Told(r).Any(t => t.Value == 7)), "the last reading is told");
        told.Select(r => r.Position).ShouldBeInOrder(SortDirection.Ascending);
        told.Select(r => r.Position).ShouldBeUnique();
        told.Zip(told.Skip(1)).ShouldAllBe(pair => pair.Second.Previous == pair.First.Position);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task What_is_old_is_forgotten_and_the_stream_says_so()
    {
        await using var host = await ApiHost.StartAsync(api.Stores, settings: ReadingsApi.Unlimited);
        await using var database = NpgsqlDataSource.Create(host.ConnectionString);
        var city = await City.RegisterAsync(host.CreateClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "meter");
        for (var i = 0; i < 4; i++)
        {
            await city.IngestAsync("meter", (Start.AddMinutes(i), i));
        }

        var records = await RecordsAsync(host, city.OrganizationId, 0, 6);
        await using var connection = await database.OpenConnectionAsync();
        await using (var age = new NpgsqlCommand("UPDATE outbox SET at = at - interval '1 hour' WHERE position <= 4", connection))
        {
            await age.ExecuteNonQueryAsync();
        }

        await CityPulse.Api.Events.OutboxLog.PruneAsync(connection, TimeProvider.System.GetUtcNow().AddMinutes(-20), CancellationToken.None);
        var (kept, oldest, last) = await StreamAsync(host, 0);
        kept.Select(r => r.Position).ShouldBe(records.Skip(4).Select(r => r.Position));
        (oldest, last).ShouldBe((5, 6));
        await CityPulse.Api.Events.OutboxLog.PruneAsync(connection, TimeProvider.System.GetUtcNow().AddMinutes(1), CancellationToken.None);
        (await StreamAsync(host, 0)).ShouldSatisfyAllConditions(s => s.Records.ShouldBeEmpty(), s => s.Oldest.ShouldBe(7), s => s.Last.ShouldBe(6));
    }

    /// <summary>The last place, once everything written so far has one.</summary>
    private async Task<long> SettledAsync()
    {
        await Eventually.TrueAsync(async () => await api.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE position IS NULL") == 0, "all records have a place");
        return (await StreamAsync(api.Host, 0)).Last;
    }

    private static IEnumerable<(Guid Sensor, Guid Building, DateTimeOffset At, double Value)> Told(StreamRecord record) =>
        record.Type != StreamRecord.ReadingsType ? []
        : ReadingBatch.Read(record.Data.Span).SelectMany(b => b.Points.ToArray().Select(p => (b.SensorId, b.BuildingId, p.At, p.Value)));

    private static async Task<ConcurrentQueue<StreamRecord>> SubscribeAsync(ConnectionMultiplexer redis)
    {
        var told = new ConcurrentQueue<StreamRecord>();
        var channel = await redis.GetSubscriber().SubscribeAsync(RedisChannel.Pattern(StreamRecord.ChannelPattern));
        channel.OnMessage(message => told.Enqueue(StreamRecord.FromBytes((byte[])message.Message!)));
        return told;
    }

    /// <summary>Waits until so many records of an organisation have a place.</summary>
    private static async Task<List<StreamRecord>> RecordsAsync(ApiHost host, Guid organizationId, long after, int count)
    {
        List<StreamRecord> records = [];
        await Eventually.TrueAsync(async () => (records = (await StreamAsync(host, after, organizationId)).Records).Count >= count, $"{count} records have a place");
        records.Count.ShouldBe(count);
        return records;
    }

    private static async Task<List<StreamRecord>> AllAsync(ApiHost host, long after)
    {
        var all = new List<StreamRecord>();
        for (List<StreamRecord> some; (some = (await StreamAsync(host, after)).Records).Count > 0; after = all[^1].Position)
        {
            all.AddRange(some);
        }

        return all;
    }

    private static async Task<(List<StreamRecord> Records, long Oldest, long Last)> StreamAsync(ApiHost host, long after, Guid? organizationId = null)
    {
        using var client = host.CreateInternalClient();
        using var response = await client.GetAsync($"/internal/stream?after={after}&limit=40{(organizationId is { } id ? $"&organizationId={id}" : "")}");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        var records = new List<StreamRecord>();
        for (var start = 0; start < bytes.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start));
            records.Add(StreamRecord.FromBytes(bytes.AsMemory(start + 4, length)));
            start += 4 + length;
        }

        return (records, Header("X-Stream-Oldest"), Header("X-Stream-Last"));

        long Header(string name) => long.Parse(response.Headers.GetValues(name).Single(), System.Globalization.CultureInfo.InvariantCulture);
    }
}
