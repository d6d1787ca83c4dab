using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CityPulse.Api.DeviceKeys.Domain;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.Api.DeviceKeys;

public sealed class DeviceKeyTests(CityApi city) : IClassFixture<CityApi>
{
    private const string Keys = "/api/v1/citypulse/device-keys";
    private const string Ingest = "/api/v1/citypulse/sensors/readings";
    private static readonly DateTimeOffset At = new(2026, 11, 20, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task The_key_is_shown_once_and_stored_as_a_hash()
    {
        var admin = await city.MemberAsync();
        using var answer = await admin.PostAsync(Keys, new { name = "Gateway 7" });
        var made = await answer.ReadAsync(HttpStatusCode.Created);
        var (id, key) = (made.GetProperty("id").GetGuid(), made.GetProperty("key").GetString()!);
        key.ShouldMatch("^cpk_[0-9A-Za-z]{38}$");
        made.GetProperty("name").GetString().ShouldBe("Gateway 7");
        answer.Headers.Location!.ToString().ShouldBe($"{Keys}/{id}");
        answer.Headers.ETag.ShouldNotBeNull();

        (await admin.ReadAsync(Keys)).ToString().ShouldNotContain(key[8..]);
        var one = await admin.ReadAsync($"{Keys}/{id}");
        one.TryGetProperty("key", out _).ShouldBeFalse();
        one.GetProperty("hint").GetString().ShouldBe(key[..8]);
        (await city.ScalarAsync<string>("SELECT k::text FROM device_keys k WHERE id = $1", id)).ShouldNotContain(key[8..]);
    }

    [Fact]
    public async Task A_key_made_twice_with_one_idempotency_key_is_one_key_and_is_kept_unreadable()
    {
        var admin = await city.MemberAsync();
        using var first = await admin.PostAsync(Keys, new { name = "Once" }, ("Idempotency-Key", "k1"));
        using var second = await admin.PostAsync(Keys, new { name = "Once" }, ("Idempotency-Key", "k1"));
        var key = (await first.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString()!;
        (await second.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString().ShouldBe(key);
        var kept = await city.ScalarAsync<byte[]>("SELECT body FROM idempotent_answers WHERE organization_id = $1", admin.OrganizationId);
        System.Text.Encoding.UTF8.GetString(kept).ShouldNotContain(key[4..12]);
        (await admin.ReadAllAsync(Keys)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_device_stores_readings_and_is_seen_to_have_done_so()
    {
        var admin = await city.MemberAsync();
        var sensor = await admin.AddSensorAsync(await admin.AddBuildingAsync(), new { externalId = "meter" });
        var (id, key) = await MakeAsync(admin);
        (await IngestAsync(key, "meter")).GetProperty("accepted").GetInt32().ShouldBe(1);
        (await IngestAsync(key, sensor.ToString())).GetProperty("duplicates").GetInt32().ShouldBe(1);
        await Eventually.TrueAsync(
            async () => (await admin.ReadAsync($"{Keys}/{id}")).GetProperty("lastUsedAt").ValueKind == JsonValueKind.String, "the use is shown");
        (await admin.ReadAsync($"{Keys}/{id}")).GetProperty("version").GetInt32().ShouldBe(1, "being used is no change");
    }

    [Fact]
    public async Task A_sensor_beyond_its_buildings_reads_exactly_like_an_unknown_one()
    {
        var admin = await city.MemberAsync();
        var (own, other) = (await admin.AddBuildingAsync(), await admin.AddBuildingAsync());
        await admin.AddSensorAsync(own, new { externalId = "own" });
        var hidden = await admin.AddSensorAsync(other, new { externalId = "other", maxValue = 1 });
        var (_, key) = await MakeAsync(admin, new { name = "One house", buildingIds = new[] { own } });
        var answer = await IngestAsync(key, "own", "other", "nowhere", hidden.ToString());
        answer.GetProperty("accepted").GetInt32().ShouldBe(1);
        answer.GetProperty("rejected").GetInt32().ShouldBe(3);
        answer.GetProperty("errors").EnumerateArray().Select(e => (e.GetProperty("code").GetString(), e.GetProperty("detail").GetString())).Distinct()
            .ShouldHaveSingleItem();
        using var none = await SendAsync(HttpMethod.Post, Ingest, key, Batch("other"));
        await none.ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
        (await city.ScalarAsync<long>("SELECT count(*) FROM readings r JOIN sensors s ON s.key = r.sensor_key WHERE s.id = $1", hidden)).ShouldBe(0);
    }

    [Fact]
    public async Task A_key_opens_nothing_of_another_organisation()
    {
        var (admin, eve) = (await city.MemberAsync(), await city.MemberAsync());
        await admin.AddSensorAsync(await admin.AddBuildingAsync(), new { externalId = "shared-name" });
        var (_, key) = await MakeAsync(eve);
        using var answer = await SendAsync(HttpMethod.Post, Ingest, key, Batch("shared-name"));
        await answer.ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
    }

    [Theory]
    [InlineData("GET", "/api/v1/citypulse/buildings")]
    [InlineData("POST", "/api/v1/citypulse/buildings")]
    [InlineData("GET", "/api/v1/citypulse/sensors")]
    [InlineData("GET", "/api/v1/citypulse/readings/latest")]
    [InlineData("GET", "/api/v1/citypulse/energy")]
    [InlineData("GET", "/api/v1/citypulse/device-keys")]
    [InlineData("POST", "/api/v1/citypulse/device-keys")]
    [InlineData("GET", "/api/v1/users")]
    [InlineData("GET", "/api/v1/auth/me")]
    [InlineData("GET", "/api/v1/auth/organizations")]
    [InlineData("POST", "/api/v1/auth/switch")]
    [InlineData("GET", "/api/v1/ai/models")]
    [InlineData("POST", "/api/v1/ai/chat")]
    [InlineData("GET", "/ws")]
    public async Task A_device_may_do_nothing_but_ingest_even_with_an_admins_token_beside(string method, string path)
    {
        var admin = await city.MemberAsync();
        var (_, key) = await MakeAsync(admin);
        using (var alone = await SendAsync(new HttpMethod(method), path, key))
        {
            await alone.ReadProblemAsync(HttpStatusCode.Forbidden);
        }

        using var both = await admin.SendAsync(new HttpMethod(method), path, headers: ("X-Api-Key", key));
        await both.ReadProblemAsync(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_deleted_key_is_refused_at_once()
    {
        var admin = await city.MemberAsync();
        await admin.AddSensorAsync(await admin.AddBuildingAsync(), new { externalId = "meter" });
        var (id, key) = await MakeAsync(admin);
        await IngestAsync(key, "meter");
        using (var deleted = await admin.DeleteAsync($"{Keys}/{id}"))
        {
            deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        await ShouldBeRefusedAsync(key);
        using var again = await admin.DeleteAsync($"{Keys}/{id}");
        await again.ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("cpk_00000000000000000000000000000000000000")]
    public async Task What_is_no_key_is_refused(string key) => await ShouldBeRefusedAsync(key);

    [Fact]
    public async Task A_key_that_nobody_was_given_is_refused()
    {
        await ShouldBeRefusedAsync(DeviceKeyText.Make());
        var admin = await city.MemberAsync();
        using var beside = await admin.SendAsync(
            HttpMethod.Get, "/api/v1/citypulse/buildings", headers: ("X-Api-Key", DeviceKeyText.Make()));
        await beside.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("name", null)]
    [InlineData("name", "\" \"")]
    [InlineData("expiresAt", "\"2020-01-01T00:00:00Z\"")]
    [InlineData("expiresAt", "\"tomorrow\"")]
    [InlineData("buildingIds", "[]")]
    [InlineData("buildingIds", "\"all\"")]
    [InlineData("scopes", "[\"*\"]")]
    public async Task A_bad_request_names_the_member_that_is_wrong(string member, string? json)
    {
        var admin = await city.MemberAsync();
        using var answer = await admin.PostAsync(Keys, Valid.With(new Dictionary<string, object?> { ["name"] = "Device" }, member, json));
        (await answer.ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").EnumerateObject().ShouldContain(e => e.Name.StartsWith(member));
    }

    [Fact]
    public async Task A_foreign_building_is_told_like_a_missing_one()
    {
        var (admin, eve) = (await city.MemberAsync(), await city.MemberAsync());
        var own = await eve.AddBuildingAsync();
        foreach (var strange in new[] { await admin.AddBuildingAsync(), Guid.CreateVersion7() })
        {
            using var answer = await eve.PostAsync(Keys, new { name = "Spy", buildingIds = new[] { own, strange } });
            (await answer.ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").GetProperty("buildingIds[1]")[0].GetString()
                .ShouldBe("There is no such building.");
        }
    }

    [Fact]
    public async Task A_foreign_key_answers_like_a_missing_one_and_stays()
    {
        var (admin, eve) = (await city.MemberAsync(), await city.MemberAsync());
        var (id, _) = await MakeAsync(admin);
        var details = new HashSet<string>();
        foreach (var path in new[] { $"{Keys}/{id}", $"{Keys}/{Guid.CreateVersion7()}" })
        {
            foreach (var refused in new[] { await eve.GetAsync(path), await eve.DeleteAsync(path) })
            {
                details.Add((await refused.ReadProblemAsync(HttpStatusCode.NotFound)).GetProperty("detail").GetString()!);
            }
        }

        details.ShouldHaveSingleItem();
        (await eve.ReadAllAsync(Keys)).ShouldBeEmpty();
        (await admin.ReadAllAsync(Keys)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_list_goes_page_by_page_and_deleting_honours_the_version()
    {
        var admin = await city.MemberAsync();
        var ids = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add((await MakeAsync(admin)).Id);
        }

        (await admin.ReadAllAsync(Keys, limit: 2)).Select(k => k.GetProperty("id").GetGuid()).ShouldBe(ids);
        using var stale = await admin.DeleteAsync($"{Keys}/{ids[0]}", "\"stale\"");
        await stale.ReadProblemAsync(HttpStatusCode.PreconditionFailed);
    }

    [Fact]
    public async Task A_stranger_or_a_frontend_without_the_city_makes_no_keys()
    {
        foreach (var role in new[] { Role.User, Role.Manager })
        {
            using var refused = await (await city.MemberAsync(role)).GetAsync(Keys);
            await refused.ReadProblemAsync(HttpStatusCode.Forbidden);
        }
    }

    private static async Task<(Guid Id, string Key)> MakeAsync(Member admin, object? body = null)
    {
        using var answer = await admin.PostAsync(Keys, body ?? new { name = "Device" });
        var made = await answer.ReadAsync(HttpStatusCode.Created);
        return (made.GetProperty("id").GetGuid(), made.GetProperty("key").GetString()!);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string key, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.TryAddWithoutValidation("X-Api-Key", key).ShouldBeTrue();
        return await city.Stranger().SendAsync(request);
    }

    private async Task<JsonElement> IngestAsync(string key, params string[] sensors)
    {
        using var answer = await SendAsync(HttpMethod.Post, Ingest, key, Batch(sensors));
        return await answer.ReadAsync(HttpStatusCode.OK);
    }

    private async Task ShouldBeRefusedAsync(string key)
    {
        using var answer = await SendAsync(HttpMethod.Post, Ingest, key, Batch("meter"));
        await answer.ReadProblemAsync(HttpStatusCode.Unauthorized);
        answer.Headers.WwwAuthenticate.ShouldNotBeEmpty();
    }

    private static object Batch(params string[] sensors) => new { readings = sensors.Select(sensor => new { sensor, at = At, value = 2.0 }) };
}

/// <summary>Several replicas, and the end of a key's time.</summary>
public sealed class DeviceKeyLifeTests(TestStores stores)
{
    private const string Ingest = "/api/v1/citypulse/sensors/readings";

    [Fact]
    public async Task An_expired_key_is_refused_and_every_replica_hears_of_a_deleted_one()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var database = await stores.CreateDatabaseAsync();
        await using var first = await ApiHost.StartAsync(stores, database: database, services: s => s.Replace(ServiceDescriptor.Singleton<TimeProvider>(time)));
        await using var second = await ApiHost.StartAsync(stores, database: database);
        using var client = first.CreateClient();
        var city = await City.RegisterAsync(client);
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), externalId: "meter");

        var brief = await MakeAsync(client, time.GetUtcNow().AddHours(1));
        (await IngestAsync(first, brief.Key)).ShouldBe(HttpStatusCode.OK);
        var lasting = await MakeAsync(client, null);
        (await IngestAsync(second, lasting.Key)).ShouldBe(HttpStatusCode.OK);
        using (var deleted = await client.DeleteAsync($"/api/v1/citypulse/device-keys/{lasting.Id}", TestContext.Current.CancellationToken))
        {
            deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        await Eventually.TrueAsync(async () => await IngestAsync(second, lasting.Key) == HttpStatusCode.Unauthorized, "the other replica refuses the deleted key");
        time.Advance(TimeSpan.FromHours(1));
        (await IngestAsync(first, brief.Key)).ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static async Task<(Guid Id, string Key)> MakeAsync(HttpClient admin, DateTimeOffset? expiresAt)
    {
        using var answer = await admin.PostAsJsonAsync("/api/v1/citypulse/device-keys", new { name = "Device", expiresAt });
        var made = await answer.ReadAsync(HttpStatusCode.Created);
        return (made.GetProperty("id").GetGuid(), made.GetProperty("key").GetString()!);
    }

    private static async Task<HttpStatusCode> IngestAsync(ApiHost host, string key)
    {
        using var client = host.CreateClient();
        client.DefaultRequestHeaders.Add("X-Api-Key", key);
        using var answer = await client.PostAsJsonAsync(Ingest, new { readings = new[] { new { sensor = "meter", at = "2026-11-20T10:00:00Z", value = 1.0 } } });
        return answer.StatusCode;
    }
}
