using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using CityPulse.Backup;
using CityPulse.ServiceDefaults.Tenancy;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Backup;

/// <summary>The day on which the database is gone: a backup that was made under load, an empty cluster, and the city goes on.</summary>
[Collection(LoadedCity.Collection)]
public sealed class RestoreDrillTests(LoadedCity loaded)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_an_empty_cluster_all_that_was_acknowledged_before_the_backup_is_there_and_the_city_goes_on()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"citypulse-restore-{Guid.NewGuid():N}");
        try
        {
            await using var cluster = await StoreProcess.StartAsync(["postgres", "--data", Path.Combine(folder, "postgres"), "--no-fsync"], "test");
            var target = $"Host=127.0.0.1;Port={cluster.Port};Username=postgres;Password=test;Database=citydb;Maximum Pool Size=20";
            await new BackupRestoring(target).RunAsync(loaded.Manifest, Dump(loaded.Backup, loaded.Manifest), force: false, Cancel);
            var (lastKey, lastPosition) = await BeforeTheStartAsync(target);

            await using var host = await ApiHost.StartAsync(loaded.Stores, database: target);
            using var client = await LogInAsync(host);
            var restored = await ReadingsAsync(client, host);
            restored.Keys.ShouldBeSubsetOf(loaded.Acknowledged);
            loaded.AcknowledgedBefore.ShouldBeSubsetOf(restored.Keys);
            restored.ShouldAllBe(reading => reading.Value == LoadedCity.ValueAt(reading.Key));
            restored.Count.ShouldBeLessThan(loaded.Acknowledged.Count, "the backup is of the moment it began at");
            await TheWallStandsAsync(host);
            await NumbersGoOnAsync(client, host, lastKey, lastPosition);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_database_that_is_not_empty_is_left_alone_unless_forced()
    {
        var target = await loaded.Stores.CreateDatabaseAsync();
        await using var database = await CityDatabase.OpenAsync(target, Cancel);
        await database.ExecuteAsync("CREATE SCHEMA ai; CREATE TABLE ai.precious (id int); INSERT INTO ai.precious VALUES (1)", Cancel);
        await database.CloseAsync();

        var dump = Dump(loaded.Backup, loaded.Manifest);
        var refusal = await Should.ThrowAsync<BackupException>(() => new BackupRestoring(target).RunAsync(loaded.Manifest, dump, force: false, Cancel));
        refusal.Message.ShouldContain("is not empty (it has ai");
        refusal.Message.ShouldContain("--force");

        await using (var session = await CityDatabase.OpenAsync(target, Cancel))
        {
            (await session.ScalarAsync<long>("SELECT count(*) FROM ai.precious", Cancel)).ShouldBe(1);
            refusal = await Should.ThrowAsync<BackupException>(() => new BackupRestoring(target).RunAsync(loaded.Manifest, dump, force: true, Cancel));
            refusal.Message.ShouldContain("1 sessions are open");
        }

        await new BackupRestoring(target).RunAsync(loaded.Manifest, dump, force: true, Cancel);
        await using var after = await CityDatabase.OpenAsync(target, Cancel);
        (await after.ScalarAsync<bool>("SELECT to_regclass('ai.precious') IS NULL", Cancel)).ShouldBeTrue();
        (await after.ScalarAsync<long>("SELECT count(*) FROM readings", Cancel)).ShouldBe(loaded.Manifest.Tables.Where(t => t.Name.StartsWith("public.readings", StringComparison.Ordinal)).Sum(t => t.Rows));
    }

    private DumpFile Dump(string folder, BackupManifest manifest) => new(folder, manifest, loaded.Key);

    /// <summary>Restored and not yet started: no role of the old cluster, and whoever is not the owner sees nothing.</summary>
    private static async Task<(int LastKey, long LastPosition)> BeforeTheStartAsync(string target)
    {
        await using var owner = await CityDatabase.OpenAsync(target, Cancel);
        (await owner.ScalarAsync<long>("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'citypulse%'", Cancel)).ShouldBe(0);
        (await owner.ScalarAsync<long>("SELECT count(*) FROM pg_policies", Cancel)).ShouldBe(0);
        await owner.ExecuteAsync("CREATE ROLE stranger; GRANT SELECT ON buildings TO stranger; SET ROLE stranger", Cancel);
        (await owner.ScalarAsync<long>("SELECT count(*) FROM buildings", Cancel)).ShouldBe(0, "row-level security is on, with no policy");
        await owner.ExecuteAsync("RESET ROLE; REVOKE ALL ON buildings FROM stranger; DROP ROLE stranger", Cancel);
        return (await owner.ScalarAsync<int>("SELECT max(key) FROM sensors", Cancel), await owner.ScalarAsync<long>("SELECT last_position FROM outbox_head", Cancel));
    }

    private async Task<HttpClient> LogInAsync(ApiHost host)
    {
        var client = host.CreateClient();
        using var answer = await client.PostAsJsonAsync("/api/v1/auth/login", new { email = loaded.City.Email, password = City.Password }, Cancel);
        var session = await answer.ReadAsync(HttpStatusCode.OK);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", session.GetProperty("accessToken").GetString());

        // Tokens from before the loss are good too: the signing keys came back, and the key that opens them was kept elsewhere.
        using var old = host.CreateClient();
        old.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", loaded.City.AccessToken);
        (await old.GetAsync("/api/v1/auth/me", Cancel)).StatusCode.ShouldBe(HttpStatusCode.OK);
        return client;
    }

    private static async Task<Dictionary<DateTimeOffset, double>> ReadingsAsync(HttpClient client, ApiHost host)
    {
        await Eventually.TrueAsync(
            async () =>
            {
                await using var owner = await CityDatabase.OpenAsync(host.ConnectionString, Cancel);
                return await owner.ScalarAsync<long>("SELECT count(*) FROM rollup_dirty", Cancel) == 0;
            },
            "what was dirty when the backup began is rolled up");
        using var sensors = await client.GetAsync("/api/v1/citypulse/sensors", Cancel);
        var id = (await sensors.ReadAsync(HttpStatusCode.OK)).GetProperty("items")[0].GetProperty("id").GetGuid();
        var path = $"/api/v1/citypulse/sensors/{id}/readings?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z";
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{path}&resolution=raw");
        request.Headers.Accept.ParseAdd("text/csv");
        using var answer = await client.SendAsync(request, Cancel);
        var readings = (await answer.Content.ReadAsStringAsync(Cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(line => line.Trim().Split(','))
            .ToDictionary(row => DateTimeOffset.Parse(row[0], CultureInfo.InvariantCulture), row => double.Parse(row[1], CultureInfo.InvariantCulture));

        using var hours = await client.GetAsync($"{path}&resolution=1h", Cancel);
        (await hours.ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray().Sum(hour => hour.GetProperty("count").GetInt64()).ShouldBe(readings.Count);
        return readings;
    }

    private async Task TheWallStandsAsync(ApiHost host)
    {
        var database = host.Services.GetRequiredService<TenantDatabase>();
        await using var session = await database.Requests.OpenConnectionAsync(Cancel);
        (await session.ScalarAsync<long>("SELECT count(*) FROM buildings", Cancel)).ShouldBe(0);
        await session.ExecuteAsync(TenantSetting.Statement(loaded.City.OrganizationId), Cancel);
        (await session.ScalarAsync<long>("SELECT count(*) FROM buildings", Cancel)).ShouldBe(1);
        await session.ExecuteAsync(TenantSetting.Statement(Guid.CreateVersion7()), Cancel);
        (await session.ScalarAsync<long>("SELECT count(*) FROM buildings", Cancel)).ShouldBe(0);
        await Should.ThrowAsync<PostgresException>(() => session.ScalarAsync<long>("SELECT count(*) FROM signing_keys", Cancel));
    }

    /// <summary>New rows get numbers that nobody had, and whoever saw events that this database knows nothing of is told of the gap.</summary>
    private static async Task NumbersGoOnAsync(HttpClient client, ApiHost host, int lastKey, long lastPosition)
    {
        using var buildings = await client.GetAsync("/api/v1/citypulse/buildings", Cancel);
        var building = (await buildings.ReadAsync(HttpStatusCode.OK)).GetProperty("items")[0].GetProperty("id").GetGuid();
        using var made = await client.PostAsJsonAsync(
            "/api/v1/citypulse/sensors", new { buildingId = building, quantity = "temperature", name = "After", externalId = "after" }, Cancel);
        await made.ReadAsync(HttpStatusCode.Created);
        using var stored = await client.PostAsJsonAsync(
            "/api/v1/citypulse/sensors/readings", new { readings = new[] { new { sensor = "after", at = "2026-03-05T00:00:00Z", value = 1.0 } } }, Cancel);
        (await stored.ReadAsync(HttpStatusCode.OK)).GetProperty("accepted").GetInt32().ShouldBe(1);

        await using var owner = await CityDatabase.OpenAsync(host.ConnectionString, Cancel);
        (await owner.ScalarAsync<int>("SELECT key FROM sensors WHERE external_id = 'after'", Cancel)).ShouldBeGreaterThan(lastKey);
        await Eventually.TrueAsync(
            async () => await owner.ScalarAsync<bool>("SELECT published_position = last_position AND NOT EXISTS (SELECT FROM outbox WHERE position IS NULL) FROM outbox_head", Cancel),
            "the new events are told");
        (await owner.ScalarAsync<long>("SELECT min(position) FROM outbox", Cancel)).ShouldBe(lastPosition + 1);

        using var inner = host.CreateInternalClient();
        using var stream = await inner.GetAsync("/internal/stream?after=5", Cancel);
        long.Parse(stream.Headers.GetValues("X-Stream-Oldest").Single(), CultureInfo.InvariantCulture).ShouldBe(lastPosition + 1);
    }
}
