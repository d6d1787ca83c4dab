using System.Net;
using System.Text.Json.Nodes;
using CityPulse.ServiceDefaults.Health;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Health;

public sealed class HealthTests
{
    private static Task<DefaultsHost> StartAsync(params (string Name, string[] Tags, Func<HealthCheckResult> Check)[] checks) =>
        DefaultsHost.StartAsync(configure: builder =>
        {
            foreach (var (name, tags, check) in checks)
            {
                builder.Services.AddHealthChecks().AddCheck(name, check, tags);
            }
        });

    private static async Task<(HttpStatusCode Status, JsonNode Body)> GetAsync(DefaultsHost host, string path)
    {
        using var response = await host.Client.GetAsync(path);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
    }

    [Fact]
    public async Task The_report_has_the_members_of_the_contract()
    {
        await using var host = await StartAsync(
            ("CityDb", [], () => HealthCheckResult.Healthy("fine")), ("StackExchange.Redis", [], () => HealthCheckResult.Healthy()));
        var (status, body) = await GetAsync(host, "/health");
        status.ShouldBe(HttpStatusCode.OK);
        body.AsObject().Select(m => m.Key).ShouldBe(["status", "version", "environment", "uptimeSeconds", "checks"]);
        body["status"]!.GetValue<string>().ShouldBe("healthy");
        body["environment"]!.GetValue<string>().ShouldBe("Production");
        body["checks"]!.AsObject().Select(m => m.Key).ShouldBe(["memory", "responseTime", "database", "redis"], ignoreOrder: true);
        foreach (var check in body["checks"]!.AsObject())
        {
            check.Value!.AsObject().Select(m => m.Key).ShouldBe(["status", "description", "durationMs", "data"]);
        }
    }

    [Fact]
    public async Task Uptime_counts_from_the_start_of_the_service()
    {
        var time = new FakeTimeProvider();
        await using var host = await DefaultsHost.StartAsync(configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        time.Advance(TimeSpan.FromSeconds(90));
        (await GetAsync(host, "/health")).Body["uptimeSeconds"]!.GetValue<double>().ShouldBe(90);
    }

    [Fact]
    public async Task A_service_without_a_database_says_nothing_of_one()
    {
        await using var host = await StartAsync();
        var (_, body) = await GetAsync(host, "/health");
        body["checks"]!.AsObject().Select(m => m.Key).ShouldBe(["memory", "responseTime"]);
        (await GetAsync(host, "/health/ready")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_its_database_a_service_lives_but_is_neither_healthy_nor_ready()
    {
        await using var host = await StartAsync(("CityDb", [], () => throw new InvalidOperationException("Host=secret")));
        var (status, body) = await GetAsync(host, "/health");
        status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        body["checks"]!["database"]!["status"]!.GetValue<string>().ShouldBe("unhealthy");
        body.ToJsonString().ShouldNotContain("secret");
        (await GetAsync(host, "/health/ready")).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await GetAsync(host, "/health/live")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_redis_a_service_is_degraded_and_ready()
    {
        await using var host = await StartAsync(("StackExchange.Redis", [], () => HealthCheckResult.Unhealthy("gone")));
        var (status, body) = await GetAsync(host, "/health");
        status.ShouldBe(HttpStatusCode.OK);
        body["status"]!.GetValue<string>().ShouldBe("degraded");
        body["checks"]!["redis"]!["status"]!.GetValue<string>().ShouldBe("unhealthy");
        (await GetAsync(host, "/health/ready")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Readiness_waits_for_checks_that_are_tagged_so()
    {
        var migrated = false;
        await using var host = await StartAsync(
            ("migrations", [HealthNames.Ready], () => migrated ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy()));
        var (status, body) = await GetAsync(host, "/health/ready");
        status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        body["reason"]!.GetValue<string>().ShouldContain("migrations");
        migrated = true;
        (await GetAsync(host, "/health/ready")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_service_on_its_way_out_answers_but_is_not_ready()
    {
        await using var host = await StartAsync();
        host.BeginShutdown();
        (await GetAsync(host, "/health/ready")).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await GetAsync(host, "/health/live")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public void Memory_is_unhealthy_from_90_percent_of_the_nearer_limit()
    {
        MemoryCheck.Judge(899, 1000, 10, 1000).Status.ShouldBe(HealthStatus.Healthy);
        MemoryCheck.Judge(900, 1000, 10, 1000).Status.ShouldBe(HealthStatus.Unhealthy);
        MemoryCheck.Judge(500, 1000, 450, 500).Status.ShouldBe(HealthStatus.Unhealthy);
    }

    [Fact]
    public async Task Answers_are_slow_when_the_last_minutes_average_is_above_a_second()
    {
        var time = new FakeTimeProvider();
        var times = new ResponseTimes(time);
        var check = new ResponseTimeCheck(times);
        var context = new HealthCheckContext();
        (await check.CheckHealthAsync(context)).Status.ShouldBe(HealthStatus.Healthy);

        times.Add(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(30));
        times.Add(TimeSpan.FromSeconds(1));
        times.LastMinute().ShouldBe((2, TimeSpan.FromSeconds(3)));
        (await check.CheckHealthAsync(context)).Status.ShouldBe(HealthStatus.Degraded);

        time.Advance(TimeSpan.FromSeconds(30));
        times.LastMinute().ShouldBe((1, TimeSpan.FromSeconds(1)));
        (await check.CheckHealthAsync(context)).Status.ShouldBe(HealthStatus.Healthy);

        time.Advance(TimeSpan.FromSeconds(60));
        times.LastMinute().Count.ShouldBe(0);
    }
}
