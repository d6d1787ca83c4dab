using System.Net;
using System.Text.Json;
using CityPulse.Bench.Drills;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Data;

/// <summary>PostgreSQL and Redis that hang: connections stay open and new ones are taken, but nothing is answered any more.</summary>
public sealed class SilentStoreTests(TestStores stores)
{
    [Fact]
    public async Task The_Api_is_live_and_soon_said_to_be_not_ready_and_recovers_by_itself()
    {
        var database = new NpgsqlConnectionStringBuilder(await stores.CreateDatabaseAsync());
        var redis = (await stores.GetRedisAsync()).Split(':');
        await using var toDatabase = new Link(database.Port);
        await using var toRedis = new Link(int.Parse(redis[1], null));
        database.Port = toDatabase.Port;
        // It starts without Redis, which is found when it begins to talk.
        toRedis.Silence();
        await using var api = await ApiHost.StartAsync(
            stores, settings: [new("ConnectionStrings:redis", $"{redis[0]}:{toRedis.Port}")], database: database.ConnectionString);
        using var client = api.CreateClient();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        (await RedisAsync()).ShouldBe("unhealthy");
        toRedis.Mend();
        await Eventually.TrueAsync(async () => await RedisAsync() == "healthy", "Redis is found");

        toDatabase.Silence();
        toRedis.Silence();
        using var live = await client.GetAsync("/health/live", patience.Token);
        live.StatusCode.ShouldBe(HttpStatusCode.OK);
        var asked = (Report: client.GetAsync("/health", patience.Token), Ready: client.GetAsync("/health/ready", patience.Token));
        using var ready = await asked.Ready;
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var report = await asked.Report;
        report.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        var checks = JsonElement.Parse(await report.Content.ReadAsStringAsync(patience.Token)).GetProperty("checks");
        checks.GetProperty("database").GetProperty("status").GetString().ShouldBe("unhealthy");
        checks.GetProperty("redis").GetProperty("status").GetString().ShouldBe("unhealthy");

        toDatabase.Mend();
        toRedis.Mend();
        await Eventually.TrueAsync(async () => (await client.GetAsync("/health/ready", patience.Token)).IsSuccessStatusCode, "the Api is ready again");

        async Task<string?> RedisAsync()
        {
            using var answer = await client.GetAsync("/health", patience.Token);
            return JsonElement.Parse(await answer.Content.ReadAsStringAsync(patience.Token)).GetProperty("checks").GetProperty("redis").GetProperty("status").GetString();
        }
    }
}
