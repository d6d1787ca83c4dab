using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using CityPulse.ServiceDefaults.Redis;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using StackExchange.Redis;

namespace CityPulse.Tests.ServiceDefaults.Redis;

/// <summary>A start does not depend on Redis, whether it is not there or takes connections and says nothing.</summary>
public sealed class RedisClientTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_service_starts_without_Redis_and_finds_it_later(bool isSilent)
    {
        var port = TestStores.FreePort();
        using var silent = new TcpListener(IPAddress.Loopback, port);
        if (isSilent)
        {
            // Connections are made, and wait for somebody who talks.
            silent.Start(backlog: 64);
        }

        await using var host = await StartAsync($"127.0.0.1:{port}");
        (await CheckAsync(host)).ShouldBe("unhealthy");
        (await host.Client.GetAsync("/health/ready")).StatusCode.ShouldBe(HttpStatusCode.OK);
        // No clock of the test says how long it took: this is what the client was told, and once only.
        var told = ConfigurationOptions.Parse(host.Services.GetRequiredService<IConnectionMultiplexer>().Configuration);
        (told.ConnectTimeout * told.ConnectRetry).ShouldBeLessThanOrEqualTo(2000);

        silent.Stop();
        await using var redis = await TestStores.StartRedisAsync(port);
        await Eventually.TrueAsync(async () => await CheckAsync(host) == "healthy", "Redis is found");
    }

    [Fact]
    public async Task What_the_connection_string_says_holds()
    {
        await using var host = await StartAsync($"127.0.0.1:{TestStores.FreePort()},connectTimeout=700,connectRetry=2");
        var told = ConfigurationOptions.Parse(host.Services.GetRequiredService<IConnectionMultiplexer>().Configuration);
        (told.ConnectTimeout, told.ConnectRetry).ShouldBe((700, 2));
    }

    private static Task<DefaultsHost> StartAsync(string redis) =>
        DefaultsHost.StartAsync(configure: builder => builder.AddCityRedis(), settings: new() { ["ConnectionStrings:redis"] = redis });

    private static async Task<string?> CheckAsync(DefaultsHost host)
    {
        using var response = await host.Client.GetAsync("/health");
        return JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("checks").GetProperty("redis").GetProperty("status").GetString();
    }
}
