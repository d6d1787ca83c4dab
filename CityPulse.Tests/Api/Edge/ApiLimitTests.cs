using System.Net;
using System.Net.Http.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Edge;

/// <summary>The limits of the real Api, with two replicas of it.</summary>
public sealed class ApiLimitTests(TestStores stores)
{
    [Fact]
    public async Task Signing_in_and_reading_draw_on_budgets_that_replicas_share()
    {
        await using var redis = await TestStores.StartRedisAsync();
        var settings = new Dictionary<string, string?>
        {
            ["RATE_LIMITING_ENABLED"] = "true", ["ConnectionStrings:redis"] = $"127.0.0.1:{redis.Port}", ["RateLimiting:Tiers:citypulse"] = "6",
        };
        await using var one = await ApiHost.StartAsync(stores, settings: settings);
        await using var two = await ApiHost.StartAsync(stores, settings: settings, database: one.ConnectionString);
        var city = await City.RegisterAsync(one.CreateClient());
        using var other = two.CreateClient();
        other.DefaultRequestHeaders.Authorization = city.Client.DefaultRequestHeaders.Authorization;

        // One of five is the registration; good or bad, here or there, they count together.
        (await LoginAsync(other, City.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await LoginAsync(city.Client, "wrong")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await other.PostAsJsonAsync("/api/v1/auth/refresh", new { refreshToken = "made up" })).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await city.Client.PostAsJsonAsync("/api/v1/auth/register", new { })).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using var refused = await LoginAsync(other, City.Password);
        await refused.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
        refused.Headers.GetValues("RateLimit-Policy").ShouldHaveSingleItem().ShouldBe("\"auth\";q=5;w=900");

        for (var i = 0; i < 6; i++)
        {
            using var read = await (i % 2 == 0 ? city.Client : other).GetAsync("/api/v1/citypulse/buildings");
            read.StatusCode.ShouldBe(HttpStatusCode.OK);
            read.Headers.GetValues("RateLimit").ShouldHaveSingleItem().ShouldStartWith($"\"citypulse\";r={5 - i};t=");
        }

        foreach (var client in (HttpClient[])[city.Client, other])
        {
            await (await client.GetAsync("/api/v1/citypulse/sensors")).ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
            foreach (var open in (string[])["/api/v1/auth/me", "/api/v1/info", "/.well-known/jwks.json", "/health/ready", "/openapi/v1.json", "/"])
            {
                (await client.GetAsync(open)).StatusCode.ShouldBe(HttpStatusCode.OK, open);
            }
        }

        Task<HttpResponseMessage> LoginAsync(HttpClient client, string password) =>
            client.PostAsJsonAsync("/api/v1/auth/login", new { email = city.Email, password });
    }

    [Fact]
    public async Task A_device_draws_on_its_keys_budget_and_a_guess_on_its_addresss()
    {
        await using var redis = await TestStores.StartRedisAsync();
        await using var host = await ApiHost.StartAsync(stores, settings: new Dictionary<string, string?>
        {
            ["RATE_LIMITING_ENABLED"] = "true", ["ConnectionStrings:redis"] = $"127.0.0.1:{redis.Port}", ["RateLimiting:Tiers:ingest"] = "2",
        });
        var city = await City.RegisterAsync(host.CreateClient());
        var sensor = await city.CreateSensorAsync(await city.CreateBuildingAsync());
        for (var device = 0; device < 2; device++)
        {
            using var made = await city.Client.PostAsJsonAsync("/api/v1/citypulse/device-keys", new { name = $"Device {device}" });
            var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString()!;
            for (var left = 1; left >= 0; left--)
            {
                using var stored = await IngestAsync(key);
                stored.StatusCode.ShouldBe(HttpStatusCode.OK);
                stored.Headers.GetValues("RateLimit").ShouldHaveSingleItem().ShouldStartWith($"\"ingest\";r={left};t=");
            }

            await (await IngestAsync(key)).ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
        }

        using var guess = await IngestAsync("cpk_guess");
        await guess.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        guess.Headers.GetValues("RateLimit").ShouldHaveSingleItem().ShouldStartWith("\"citypulse\";r=199;t=");

        async Task<HttpResponseMessage> IngestAsync(string key)
        {
            using var client = host.CreateClient();
            client.DefaultRequestHeaders.Add("X-Api-Key", key);
            return await client.PostAsJsonAsync("/api/v1/citypulse/sensors/readings", new { readings = new[] { new { sensor, at = "2026-03-01T00:00:00Z", value = 1.0 } } });
        }
    }
}
