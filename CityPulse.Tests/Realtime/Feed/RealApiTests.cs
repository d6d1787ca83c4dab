using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>The real Api, the real Realtime and a Redis between them: what is stored arrives.</summary>
public sealed class RealApiTests(TestStores stores)
{
    [Fact]
    public async Task A_stored_reading_arrives_and_is_there_for_who_resumes()
    {
        // A Redis of its own: on the shared one other tests' Apis tell other orders.
        await using var redis = await TestStores.StartRedisAsync();
        await using var api = await ApiHost.StartAsync(stores, settings: [new("ConnectionStrings:redis", $"127.0.0.1:{redis.Port}")]);
        await using var first = await RealtimeHost.StartAsync(api.BaseAddress, api.InternalAddress, redis.Port);
        using var http = api.CreateClient();
        var city = await City.RegisterAsync(http);
        var building = await city.CreateBuildingAsync();
        var sensor = await city.CreateSensorAsync(building, externalId: "meter-1");

        await using var client = await LiveClient.ConnectAsync(first, city.AccessToken);
        var topic = $"sensors/{sensor}/readings";
        var start = (await client.SubscribeAsync([topic])).GetProperty("lastId").GetString();
        var at = LiveCity.Time("2026-11-20T10:00:00.123Z");
        await city.IngestAsync("meter-1", (at, 1.5), (at.AddMinutes(15), 2.5));

        var live = await client.NextAsync();
        live.GetProperty("topic").GetString().ShouldBe(topic);
        live.GetProperty("organizationId").GetGuid().ShouldBe(city.OrganizationId);
        live.GetProperty("data").EnumerateArray()
            .Select(r => (r.GetProperty("sensorId").GetGuid(), r.GetProperty("buildingId").GetGuid(), r.GetProperty("at").GetString(), r.GetProperty("value").GetDouble()))
            .ShouldBe([(sensor, building, "2026-11-20T10:00:00.123Z", 1.5), (sensor, building, "2026-11-20T10:15:00.123Z", 2.5)]);

        // A replica that was not there when it happened.
        await using var second = await RealtimeHost.StartAsync(api.BaseAddress, api.InternalAddress, redis.Port);
        await using var late = await LiveClient.ConnectAsync(second, city.AccessToken, messagePack: true);
        (await late.SubscribeAsync([topic], start)).GetProperty("gap").GetBoolean().ShouldBeFalse();
        (await late.NextAsync()).GetProperty("id").GetString().ShouldBe(live.GetProperty("id").GetString());
    }
}
