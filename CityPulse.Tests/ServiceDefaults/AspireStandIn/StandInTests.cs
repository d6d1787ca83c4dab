using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using CityPulse.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Shouldly;
using StackExchange.Redis;

namespace CityPulse.Tests.ServiceDefaults.AspireStandIn;

public sealed class StandInTests(TestStores stores)
{
    public sealed class CityDb(DbContextOptions<CityDb> options) : DbContext(options);

    private static async Task<string> CheckAsync(DefaultsHost host, string check)
    {
        using var response = await host.Client.GetAsync("/health");
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!["checks"]![check]!["status"]!.GetValue<string>();
    }

    [Fact]
    public async Task An_enriched_context_retries_and_has_a_health_check()
    {
        var connection = await stores.CreateDatabaseAsync();
        await using var host = await DefaultsHost.StartAsync(configure: builder =>
        {
            builder.Services.AddDbContextPool<CityDb>(options => options.UseNpgsql(connection));
            builder.EnrichNpgsqlDbContext<CityDb>();
        });
        await using var scope = host.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<CityDb>().Database.CreateExecutionStrategy().RetriesOnFailure.ShouldBeTrue();
        (await CheckAsync(host, "database")).ShouldBe("healthy");
        (await host.Client.GetAsync("/health/ready")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_database_that_is_away_shows_soon()
    {
        await using var host = await DefaultsHost.StartAsync(configure: builder =>
        {
            builder.Services.AddDbContextPool<CityDb>(options => options.UseNpgsql($"Host=127.0.0.1;Port={TestStores.FreePort()};Username=x;Database=x"));
            builder.EnrichNpgsqlDbContext<CityDb>();
        });
        (await CheckAsync(host, "database")).ShouldBe("unhealthy");
        using var ready = await host.Client.GetAsync("/health/ready");
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task Redis_may_come_late_and_come_back()
    {
        var port = TestStores.FreePort();
        await using var host = await DefaultsHost.StartAsync(
            configure: builder => builder.AddRedisClient("redis", configureOptions: options => options.ConnectTimeout = 500),
            settings: new() { ["ConnectionStrings:redis"] = $"127.0.0.1:{port}" });
        (await CheckAsync(host, "redis")).ShouldBe("unhealthy");
        (await host.Client.GetAsync("/health/ready")).StatusCode.ShouldBe(HttpStatusCode.OK);

        for (var round = 0; round < 2; round++)
        {
            await using var redis = await TestStores.StartRedisAsync(port);
            await Eventually.TrueAsync(async () => await CheckAsync(host, "redis") == "healthy", "Redis is found");
            await redis.KillAsync();
            await Eventually.TrueAsync(async () => await CheckAsync(host, "redis") == "unhealthy", "the loss of Redis shows");
        }
    }

    [Fact]
    public async Task Redis_commands_are_spans_of_the_request_that_sent_them_without_keys()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "CityPulse.Redis" or "test",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("test");
        await using var host = await DefaultsHost.StartAsync(
            configure: builder => builder.AddRedisClient("redis"),
            settings: new() { ["ConnectionStrings:redis"] = await stores.GetRedisAsync() });
        var redis = host.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
        var request = source.StartActivity("request").ShouldNotBeNull();
        using (request)
        {
            await redis.StringSetAsync("secret-key", "secret-value");
        }

        // The listener hears the commands of all hosts in this process.
        await Eventually.TrueAsync(() => spans.Any(IsTheCommand), "the command is a span");
        var span = spans.First(IsTheCommand);
        span.Parent.ShouldBeNull();
        span.ParentSpanId.ShouldBe(request.SpanId);
        span.Kind.ShouldBe(ActivityKind.Client);
        span.TagObjects.ShouldAllBe(tag => !$"{tag.Value}".Contains("secret", StringComparison.Ordinal));
        span.Duration.ShouldBeGreaterThan(TimeSpan.Zero);

        bool IsTheCommand(Activity span) => span.TraceId == request.TraceId && span.DisplayName == "SET";
    }

    [Fact]
    public async Task Without_a_connection_string_the_health_says_so_and_the_error_names_the_key()
    {
        await using var host = await DefaultsHost.StartAsync(configure: builder => builder.AddRedisClient("redis"));
        (await CheckAsync(host, "redis")).ShouldBe("unhealthy");
        Should.Throw<InvalidOperationException>(() => host.Services.GetRequiredService<IConnectionMultiplexer>())
            .Message.ShouldContain("ConnectionStrings:redis");
    }
}
