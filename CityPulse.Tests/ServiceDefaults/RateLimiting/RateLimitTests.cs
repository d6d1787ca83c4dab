using System.Globalization;
using System.Net;
using System.Security.Claims;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.RateLimiting;

public sealed class RateLimitTests(TestStores stores)
{
    private const string Login = "/api/v1/auth/login";
    private const string Buildings = "/api/v1/citypulse/buildings";
    private const string Readings = "/api/v1/citypulse/sensors/readings";

    private static readonly string[] Tiers = ["auth", "ai", "swarm", "citypulse", "ingest"];

    /// <summary>A replica with every tier at five requests, unless told otherwise.</summary>
    private static Task<DefaultsHost> StartAsync(string? redis, Dictionary<string, string?>? more = null)
    {
        var settings = new Dictionary<string, string?>
        {
            ["RATE_LIMITING_ENABLED"] = "true", ["ConnectionStrings:redis"] = redis, ["Features:Swarm"] = "true", ["INTERNAL_HTTP_PORT"] = "0",
        };
        foreach (var tier in Tiers)
        {
            settings[$"RateLimiting:Tiers:{tier}:Permits"] = "5";
        }

        foreach (var (key, value) in more ?? [])
        {
            settings[key] = value;
        }

        return DefaultsHost.StartAsync(
            app =>
            {
                foreach (var path in (string[])[Login, Buildings, Readings, "/api/v1/ai/chat", "/api/v1/swarm/runs", "/api/v1/info", "/api/v1/auth/me", "/docs"])
                {
                    app.MapMethods(path, ["GET", "POST"], () => "here").AllowAnonymous();
                }

                app.MapGet("/api/v1/citypulse/secret", () => "secret").RequireAuthorization();
                app.MapGet("/api/v1/citypulse/fault", string () => throw new InvalidOperationException()).AllowAnonymous();
            },
            builder =>
            {
                builder.Services.AddSingleton<IStartupFilter, Devices>();
                if (redis is not null)
                {
                    builder.AddRedisClient("redis");
                }
            },
            settings: settings);
    }

    private static string TokenOf(DefaultsHost host, Guid user) => host.Tokens.Issue(Role.User, change: t => t.Claims[CityClaims.Subject] = user.ToString());

    private static async Task<HttpResponseMessage> SendAsync(DefaultsHost host, string path, string? token = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = token is null ? null : new("Bearer", token);
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await host.Client.SendAsync(request);
    }

    private static string Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).ShouldHaveSingleItem();

    private static int Remaining(HttpResponseMessage response) => int.Parse(Header(response, "RateLimit").Split("r=")[1].Split(';')[0], CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("auth", Login)]
    [InlineData("ai", "/api/v1/ai/chat")]
    [InlineData("swarm", "/api/v1/swarm/runs")]
    [InlineData("citypulse", Buildings)]
    [InlineData("ingest", Readings)]
    public async Task Two_replicas_share_one_budget(string tier, string path)
    {
        // A Redis of its own: budgets by address would meet those of other tests.
        await using var redis = await TestStores.StartRedisAsync();
        await using var one = await StartAsync($"127.0.0.1:{redis.Port}");
        await using var two = await StartAsync($"127.0.0.1:{redis.Port}");
        var user = Guid.CreateVersion7();
        (string, string)[] headers = tier == "ingest" ? [("X-Api-Key", Devices.Good)] : [];
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i =>
        {
            var host = i % 2 == 0 ? one : two;
            return SendAsync(host, path, tier == "ingest" ? null : TokenOf(host, user), headers);
        }));

        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(5);
        answers.Where(a => a.StatusCode == HttpStatusCode.OK).Select(Remaining).Order().ShouldBe([0, 1, 2, 3, 4]);
        foreach (var answer in answers)
        {
            Header(answer, "RateLimit-Policy").ShouldBe($"\"{tier}\";q=5;w=900");
            Header(answer, "RateLimit").ShouldStartWith($"\"{tier}\";r=");
        }

        foreach (var refused in answers.Where(a => a.StatusCode != HttpStatusCode.OK))
        {
            await refused.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
            var after = Header(refused, "Retry-After");
            int.Parse(after, CultureInfo.InvariantCulture).ShouldBeInRange(850, 900);
            Header(refused, "RateLimit").ShouldBe($"\"{tier}\";r=0;t={after}");
        }
    }

    [Fact]
    public async Task Everybody_has_a_budget_of_his_own_and_strangers_one_by_address()
    {
        await using var redis = await TestStores.StartRedisAsync();
        await using var host = await StartAsync($"127.0.0.1:{redis.Port}", new() { ["ForwardedHeaders:KnownProxies"] = "127.0.0.1" });
        for (var i = 0; i < 5; i++)
        {
            (await SendAsync(host, Buildings, TokenOf(host, Guid.CreateVersion7()))).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await SendAsync(host, Buildings, "not a token", From($"2001:db8:0:1::{i + 1}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
            // A key that nobody knows is no budget of its own: guessing would be free.
            (await SendAsync(host, Buildings, null, From("203.0.113.7"), ("X-Api-Key", $"guess {i}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        (await SendAsync(host, Buildings, null, From("2001:db8:0:1::ffff"))).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await SendAsync(host, Buildings, null, From("2001:db8:0:2::1"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await SendAsync(host, Buildings, null, From("203.0.113.7"))).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);

        static (string, string) From(string address) => ("X-Forwarded-For", address);
    }

    [Fact]
    public async Task A_stranger_cannot_choose_his_address()
    {
        await using var redis = await TestStores.StartRedisAsync();
        await using var host = await StartAsync($"127.0.0.1:{redis.Port}");
        for (var i = 0; i < 5; i++)
        {
            (await SendAsync(host, Login, null, ("X-Forwarded-For", $"203.0.113.{i}"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        (await SendAsync(host, Login, null, ("X-Forwarded-For", "203.0.113.99"), ("Forwarded", "for=203.0.113.98"), ("X-Real-IP", "203.0.113.97")))
            .StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        // Nor is a token a way out, in any spelling of the route.
        (await SendAsync(host, "/API/v1/auth/Login/", TokenOf(host, Guid.CreateVersion7()))).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await host.Client.DeleteAsync(Login)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task What_must_always_answer_is_not_limited()
    {
        await using var host = await StartAsync(await stores.GetRedisAsync(), new() { ["RateLimiting:Tiers:citypulse"] = "1" });
        foreach (var path in (string[])["/api/v1/info", "/api/v1/auth/me", "/docs", "/health/live", "/health/ready", "/health"])
        {
            for (var i = 0; i < 3; i++)
            {
                using var answer = await SendAsync(host, path);
                answer.StatusCode.ShouldBe(HttpStatusCode.OK, path);
                answer.Headers.Contains("RateLimit").ShouldBeFalse();
            }
        }
    }

    [Fact]
    public async Task Refusals_and_faults_count_and_say_so()
    {
        await using var redis = await TestStores.StartRedisAsync();
        await using var host = await StartAsync($"127.0.0.1:{redis.Port}");
        using var unknown = await SendAsync(host, "/api/v1/citypulse/secret");
        unknown.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        Remaining(unknown).ShouldBe(4);
        using var fault = await SendAsync(host, "/api/v1/citypulse/fault");
        fault.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        Remaining(fault).ShouldBe(3);
        using var nowhere = await SendAsync(host, "/api/v1/nowhere");
        nowhere.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        Remaining(nowhere).ShouldBe(2);
    }

    [Fact]
    public async Task The_budget_comes_back_when_its_window_ends()
    {
        await using var host = await StartAsync(await stores.GetRedisAsync(), new() { ["RateLimiting:Tiers:ai:WindowSeconds"] = "1", ["RateLimiting:Tiers:ai:Permits"] = "1" });
        var token = TokenOf(host, Guid.CreateVersion7());
        (await SendAsync(host, "/api/v1/ai/chat", token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await Eventually.TrueAsync(async () => (await SendAsync(host, "/api/v1/ai/chat", token)).IsSuccessStatusCode, "the next window has begun");
    }

    [Fact]
    public async Task While_redis_is_away_each_replica_counts_alone_and_says_so_once()
    {
        await using var redis = await TestStores.StartRedisAsync();
        var address = $"127.0.0.1:{redis.Port},connectRetry=1,connectTimeout=500";
        await using var one = await StartAsync(address);
        await using var two = await StartAsync(address);
        await SharesAsync(one, two);

        await redis.KillAsync();
        var alone = Guid.CreateVersion7();
        foreach (var host in (DefaultsHost[])[one, two])
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => SendAsync(host, Buildings, TokenOf(host, alone))));
            answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(5);
            answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(3);
            Lines(host, "Redis is away").ShouldBe(1);
        }

        one.Services.ReadGauge("citypulse.redis.away").ShouldBe([1]);
        two.Services.ReadGauge("citypulse.redis.away").ShouldBe([1]);
        using var metrics = one.CreateClient(1);
        var text = await metrics.GetStringAsync("/metrics");
        text.ShouldMatch(@"citypulse_ratelimit_counted_alone_total\S* [1-9]");
        text.ShouldContain("\ncitypulse_redis_away{");

        await using var again = await TestStores.StartRedisAsync(redis.Port);
        foreach (var host in (DefaultsHost[])[one, two])
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    await SendAsync(host, Buildings, TokenOf(host, Guid.CreateVersion7()));
                    return Lines(host, "Redis is back") == 1;
                },
                "the replica has found Redis again");
            host.Services.ReadGauge("citypulse.redis.away").ShouldBe([0]);
        }

        await SharesAsync(one, two);
        Lines(one, "Redis is away").ShouldBe(1);

        static int Lines(DefaultsHost host, string start) => host.Log.Lines.Count(l => l.Message.StartsWith(start, StringComparison.Ordinal));
    }

    private static async Task SharesAsync(DefaultsHost one, DefaultsHost two)
    {
        var user = Guid.CreateVersion7();
        using var first = await SendAsync(one, Buildings, TokenOf(one, user));
        using var second = await SendAsync(two, Buildings, TokenOf(two, user));
        (Remaining(first), Remaining(second)).ShouldBe((4, 3));
    }

    [Fact]
    public async Task Off_is_off()
    {
        await using var host = await StartAsync(await stores.GetRedisAsync(), new() { ["RATE_LIMITING_ENABLED"] = "false" });
        for (var i = 0; i < 7; i++)
        {
            using var answer = await SendAsync(host, Login);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            answer.Headers.Contains("RateLimit-Policy").ShouldBeFalse();
        }
    }

    [Fact]
    public async Task What_another_service_asks_for_a_caller_is_counted_there_and_not_here()
    {
        await using var host = await StartAsync(await stores.GetRedisAsync(), new() { ["Internal:Key"] = "shared", ["RateLimiting:Tiers:citypulse"] = "1" });
        var token = TokenOf(host, Guid.CreateVersion7());
        for (var i = 0; i < 3; i++)
        {
            (await SendAsync(host, Buildings, token, ("X-Internal-Key", "shared"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        (await SendAsync(host, Buildings, token, ("X-Internal-Key", "guessed"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await SendAsync(host, Buildings, token, ("X-Internal-Key", "guessed"))).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Theory]
    [InlineData("RATE_LIMITING_ENABLED", "maybe", "RATE_LIMITING_ENABLED must be true or false")]
    [InlineData("RateLimiting:Tiers:ai:Permits", "0", "RateLimiting:Tiers:ai:Permits must lie between")]
    [InlineData("RateLimiting:Tiers:ai", "many", "RateLimiting:Tiers:ai must be a number")]
    [InlineData("RateLimiting:Tiers:ai:WindowSeconds", "0", "RateLimiting:Tiers:ai:WindowSeconds must lie between")]
    [InlineData("RateLimiting:Tiers:aii:Permits", "10", "RateLimiting:Tiers:aii is no tier")]
    public async Task A_wrong_setting_stops_the_start_with_its_name(string key, string value, string expected)
    {
        var fault = await Should.ThrowAsync<OptionsValidationException>(() => StartAsync(null, new() { [key] = value }));
        fault.Message.ShouldContain(expected);
    }

    /// <summary>Devices are authenticated by their key; here by one that everybody knows.</summary>
    private sealed class Devices : IStartupFilter
    {
        public const string Good = "cpk_good";

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, following) =>
            {
                if (context.Request.Headers[CityHeaders.ApiKey] == Good)
                {
                    context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim("device", "1")], "ApiKey"));
                }

                return following(context);
            });
            next(app);
        };
    }
}
