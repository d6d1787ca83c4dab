using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using CityPulse.Api.Data;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Http.Kept;

/// <summary>Two replicas of the Api on one database, each with what it keeps, and a Redis of their own between them.</summary>
public sealed class KeptAnswerTests(TestStores stores) : IAsyncLifetime
{
    private readonly TestTokens _tokens = new();
    private StoreProcess _redis = null!;
    private ApiHost _one = null!;
    private ApiHost _two = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await TestStores.StartRedisAsync();
        _one = await StartAsync(null);
        _two = await StartAsync(_one.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
        await _redis.DisposeAsync();
        _tokens.Dispose();
    }

    private Task<ApiHost> StartAsync(string? database) => ApiHost.StartAsync(
        stores,
        settings: new Dictionary<string, string?> { ["ConnectionStrings:redis"] = $"127.0.0.1:{_redis.Port},connectTimeout=500" },
        services: s => s.Replace(ServiceDescriptor.Singleton<IAccessTokenKeys>(_tokens)),
        database: database);

    private async Task<(Member One, Member Two)> CityAsync(Role role = Role.Admin, Guid? organization = null)
    {
        var id = organization ?? Guid.CreateVersion7();
        if (organization is null)
        {
            await ExecuteAsync($"INSERT INTO organizations (id, name, created_at) VALUES ('{id}', 'Test city', now())");
        }

        var token = _tokens.Issue(role, change: t => t.Claims[CityClaims.Organization] = id.ToString());
        return (Of(_one), Of(_two));

        Member Of(ApiHost host)
        {
            var client = host.CreateClient();
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            return new Member(client, id);
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_one.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Changes what is stored behind the service's back, so that an answer tells whether it was kept.</summary>
    private Task ChangeUnseenAsync(string sql) => ExecuteAsync($"SET session_replication_role = replica; {sql}");

    private static async Task<string> NameAsync(Member member, Guid id) =>
        (await member.ReadAsync($"{Member.Buildings}/{id}")).GetProperty("name").GetString()!;

    [Fact]
    public async Task An_answer_is_kept_and_found_by_the_other_replica()
    {
        var (one, two) = await CityAsync();
        var id = await one.AddBuildingAsync();
        using var first = await one.GetAsync($"{Member.Buildings}/{id}");
        await Eventually.TrueAsync(
            async () =>
            {
                // An answer is kept a moment after it was sent, so this may take more than one attempt, each under a version of its own.
                await ExecuteAsync($"UPDATE buildings SET name = 'Town hall' WHERE id = '{id}'");
                await NameAsync(one, id);
                await ChangeUnseenAsync($"UPDATE buildings SET name = 'Nobody saw it' WHERE id = '{id}'");
                return await NameAsync(one, id) == "Town hall" && await NameAsync(two, id) == "Town hall";
            },
            "both replicas answer from what is kept");
        using var again = await two.GetAsync($"{Member.Buildings}/{id}");
        foreach (var header in (string[])["ETag", "Cache-Control", "Vary"])
        {
            again.Headers.GetValues(header).ShouldBe(first.Headers.GetValues(header));
        }

        again.Content.Headers.ContentType.ShouldBe(first.Content.Headers.ContentType);
        (await again.Content.ReadAsStringAsync()).ShouldBe(await first.Content.ReadAsStringAsync());
        (await two.GetAsync($"{Member.Buildings}/{id}", ("If-None-Match", first.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task What_was_answered_to_a_write_is_what_every_replica_reads()
    {
        var (one, two) = await CityAsync();
        var building = await one.AddBuildingAsync();
        for (var i = 0; i < 25; i++)
        {
            // Whoever writes, both have just read and keep what they read.
            var (writer, reader) = i % 2 == 0 ? (one, two) : (two, one);
            await Task.WhenAll(NameAsync(one, building), NameAsync(two, building), one.ReadAsync(Member.Buildings), two.ReadAsync(Member.Buildings));
            (await writer.PatchAsync($"{Member.Buildings}/{building}", new { name = $"Name {i}" })).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await NameAsync(reader, building)).ShouldBe($"Name {i}");
            (await reader.ReadAsync(Member.Buildings)).GetProperty("items")[0].GetProperty("name").GetString().ShouldBe($"Name {i}");
        }
    }

    [Fact]
    public async Task Readers_and_writers_at_once_never_see_less_than_was_answered()
    {
        var (one, two) = await CityAsync();
        var building = await one.AddBuildingAsync();
        (await one.PatchAsync($"{Member.Buildings}/{building}", new { name = "0" })).StatusCode.ShouldBe(HttpStatusCode.OK);
        var answered = 0;
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 6).Select(async i =>
        {
            var member = i % 2 == 0 ? one : two;
            var seen = 0;
            while (!done.IsCancellationRequested)
            {
                var atLeast = Volatile.Read(ref answered);
                int.Parse(await NameAsync(member, building), CultureInfo.InvariantCulture).ShouldBeGreaterThanOrEqualTo(atLeast);
                seen++;
            }

            return seen;
        }).ToList();
        for (var i = 1; i <= 40; i++)
        {
            (await (i % 2 == 0 ? one : two).PatchAsync($"{Member.Buildings}/{building}", new { name = $"{i}" })).StatusCode.ShouldBe(HttpStatusCode.OK);
            Volatile.Write(ref answered, i);
        }

        await done.CancelAsync();
        (await Task.WhenAll(readers)).Sum().ShouldBeGreaterThan(40);
    }

    [Fact]
    public async Task Readings_show_at_once_wherever_they_are_shown()
    {
        var (one, two) = await CityAsync();
        var sensor = await one.AddSensorAsync(await one.AddBuildingAsync());
        var start = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
        for (var i = 1; i <= 4; i++)
        {
            (await one.PostAsync($"{Member.Sensors}/readings", new { readings = new[] { new { sensor, at = start.AddMinutes(15 * i), value = (double)i } } }))
                .StatusCode.ShouldBe(HttpStatusCode.OK);
            foreach (var member in (Member[])[two, one, two])
            {
                (await member.ReadAsync($"{Member.Sensors}/{sensor}")).GetProperty("lastReading").GetProperty("value").GetDouble().ShouldBe(i);
                (await member.ReadAsync(Member.Sensors)).GetProperty("items")[0].GetProperty("lastReading").GetProperty("value").GetDouble().ShouldBe(i);
                (await member.ReadAsync("/api/v1/citypulse/readings/latest")).GetProperty("items")[0].GetProperty("value").GetDouble().ShouldBe(i);
                (await member.ReadAsync($"{Member.Sensors}/{sensor}/readings?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z")).GetProperty("items").GetArrayLength().ShouldBe(i);
                (await member.ReadAsync("/api/v1/citypulse/energy?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z")).GetProperty("totals").GetProperty("kwh").GetDouble()
                    .ShouldBe(i * (i + 1) / 2.0, 1e-9);
            }
        }
    }

    [Fact]
    public async Task Organisations_roles_frontends_forms_and_addresses_are_kept_apart()
    {
        var (one, two) = await CityAsync();
        var (other, _) = await CityAsync();
        var (user, _) = await CityAsync(Role.User, one.OrganizationId);
        await one.AddBuildingAsync();
        for (var i = 0; i < 2; i++)
        {
            (await one.ReadAsync(Member.Buildings)).GetProperty("items").GetArrayLength().ShouldBe(1);
            (await user.ReadAsync(Member.Buildings)).GetProperty("items").GetArrayLength().ShouldBe(1);
            (await other.ReadAsync(Member.Buildings)).GetProperty("items").GetArrayLength().ShouldBe(0);
            (await two.ReadAsync($"{Member.Buildings}?q=nothing")).GetProperty("items").GetArrayLength().ShouldBe(0);
            using var map = await two.GetAsync(Member.Buildings, ("Accept", "application/geo+json"));
            (await map.ReadAsync(HttpStatusCode.OK)).GetProperty("type").GetString().ShouldBe("FeatureCollection");
            map.Content.Headers.ContentType!.MediaType.ShouldBe("application/geo+json");
            using var flow = await two.GetAsync(Member.Buildings, ("X-Frontend-Source", "flowmind"));
            flow.StatusCode.ShouldBe(HttpStatusCode.OK);
            // Refusals are never kept, nor given way to what is.
            await (await two.GetAsync(Member.Buildings, ("X-Frontend-Source", "nobody"))).ReadProblemAsync(HttpStatusCode.BadRequest);
            await (await two.GetAsync($"{Member.Buildings}?limit=0")).ReadProblemAsync(HttpStatusCode.BadRequest);
            await (await other.GetAsync($"{Member.Buildings}/{Guid.CreateVersion7()}")).ReadProblemAsync(HttpStatusCode.NotFound);
        }
    }

    [Fact]
    public async Task Nothing_is_stale_while_redis_is_away_and_after_it_is_back()
    {
        var (one, two) = await CityAsync();
        var building = await one.AddBuildingAsync();
        await Task.WhenAll(NameAsync(one, building), NameAsync(two, building));

        await _redis.KillAsync();
        await WriteAndReadAsync("Without Redis");
        await using var again = await TestStores.StartRedisAsync(_redis.Port);
        await WriteAndReadAsync("Redis is back, perhaps");
        await Eventually.TrueAsync(
            async () =>
            {
                await WriteAndReadAsync($"Still true {Guid.NewGuid():N}");
                await one.ReadAsync($"{Member.Buildings}/{building}");
                using var metrics = _one.CreateInternalClient();
                return (await metrics.GetStringAsync("/metrics")).Split('\n').Any(l => l.StartsWith("citypulse_redis_away", StringComparison.Ordinal) && l.Contains("} 0"));
            },
            "the replicas have found Redis again");

        async Task WriteAndReadAsync(string name)
        {
            (await one.PatchAsync($"{Member.Buildings}/{building}", new { name })).StatusCode.ShouldBe(HttpStatusCode.OK);
            (await NameAsync(two, building)).ShouldBe(name);
            (await NameAsync(one, building)).ShouldBe(name);
        }
    }

    [Fact]
    public async Task Every_versioned_table_tells_that_answers_change()
    {
        using var scope = _one.Services.CreateScope();
        var tables = scope.ServiceProvider.GetRequiredService<CityDb>().Model.GetEntityTypes()
            .Where(t => t.ClrType.IsSubclassOf(typeof(TenantEntity))).Select(t => t.GetTableName()!).Append("outbox").ToList();
        await using var source = NpgsqlDataSource.Create(_one.ConnectionString);
        await using var command = source.CreateCommand("SELECT array_agg(tgrelid::regclass::text) FROM pg_trigger WHERE tgname = 'answers_change'");
        var telling = (string[])(await command.ExecuteScalarAsync())!;
        tables.Except(telling).ShouldBeEmpty();
    }
}
