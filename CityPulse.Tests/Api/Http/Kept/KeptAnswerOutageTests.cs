using System.Net;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Http.Kept;

/// <summary>In a class of its own, since it kills the Redis between its replicas.</summary>
public sealed class KeptAnswerOutageTests(TwoReplicas replicas) : IClassFixture<TwoReplicas>
{
    [Fact]
    public async Task Nothing_is_stale_while_redis_is_away_and_after_it_is_back()
    {
        var (one, two) = await replicas.CityAsync();
        var building = await one.AddBuildingAsync();
        await Task.WhenAll(TwoReplicas.NameAsync(one, building), TwoReplicas.NameAsync(two, building));

        await replicas.Redis.KillAsync();
        await WriteAndReadAsync("Without Redis");
        await using var again = await TestStores.StartRedisAsync(replicas.Redis.Port);
        await WriteAndReadAsync("Redis is back, perhaps");
        await Eventually.TrueAsync(
            async () =>
            {
                await WriteAndReadAsync($"Still true {Guid.NewGuid():N}");
                await one.ReadAsync($"{Member.Buildings}/{building}");
                return replicas.One.Services.ReadGauge("citypulse.redis.away") is [0];
            },
            "the replicas have found Redis again");

        async Task WriteAndReadAsync(string name)
        {
            (await one.PatchAsync($"{Member.Buildings}/{building}", new { name })).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await TwoReplicas.NameAsync(two, building)).ShouldBe(name);
            (await TwoReplicas.NameAsync(one, building)).ShouldBe(name);
        }
    }
}
