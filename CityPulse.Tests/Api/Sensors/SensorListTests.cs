using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Sensors;

public sealed class SensorListTests(CityApi api) : IClassFixture<CityApi>
{
    [Fact]
    public async Task The_status_filter_finds_what_the_sensors_show()
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync();
        var now = TimeProvider.System.GetUtcNow();
        var expected = new Dictionary<string, string>();
        foreach (var (name, interval, age, status) in new (string, int, double?, string)[]
        {
            ("silent", 900, null, "never"),
            ("fresh", 900, 60, "online"),
            ("ahead", 900, -200, "online"),
            ("almost stale", 900, 2640, "online"),
            ("just stale", 900, 2760, "stale"),
            ("almost offline", 900, 86_340, "stale"),
            ("offline", 900, 86_460, "offline"),
            ("years ago", 900, 1e8, "offline"),
            ("daily", 86_400, 200_000, "online"),
            ("daily gone", 86_400, 260_000, "offline"),
            ("quick", 1, 30, "stale"),
        })
        {
            var id = await admin.AddSensorAsync(building, new { name, intervalSeconds = interval });
            if (age is { } seconds)
            {
                await api.StoreReadingAsync(id, now.AddSeconds(-seconds), 1);
                await api.StoreReadingAsync(id, now.AddSeconds(-seconds - 100), 2);
            }

            expected[name] = status;
        }

        (await admin.ReadAllAsync(Member.Sensors)).ToDictionary(Name, s => s.GetProperty("status").GetString()!).ShouldBe(expected, ignoreOrder: true);
        foreach (var status in new[] { "online", "stale", "offline", "never" })
        {
            (await admin.ReadAllAsync($"{Member.Sensors}?status={status}", limit: 2)).Select(Name)
                .ShouldBe(expected.Where(e => e.Value == status).Select(e => e.Key), ignoreOrder: true, status);
        }
    }

    [Fact]
    public async Task The_newest_reading_is_shown_with_all_its_bits()
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync();
        var sensor = await admin.AddSensorAsync(building);
        var at = new DateTimeOffset(2026, 5, 6, 7, 8, 9, 123, TimeSpan.Zero);
        await api.StoreReadingAsync(sensor, at.AddDays(-300), 3);
        await api.StoreReadingAsync(sensor, at, 0.1 + 0.2);
        await api.StoreReadingAsync(sensor, at.AddMilliseconds(-1), 2);
        foreach (var shown in new[]
        {
            await admin.ReadAsync($"{Member.Sensors}/{sensor}"),
            (await admin.ReadAllAsync(Member.Sensors))[0],
            (await admin.ReadAllAsync($"{Member.Buildings}/{building}/sensors"))[0],
        })
        {
            shown.GetProperty("lastReading").ToString().ShouldBe("""{"at":"2026-05-06T07:08:09.123Z","value":0.30000000000000004}""");
        }
    }

    [Fact]
    public async Task A_new_reading_changes_every_readers_etag_and_no_writers()
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync();
        var path = $"{Member.Sensors}/{await admin.AddSensorAsync(building)}";
        var addresses = new[] { path, Member.Sensors, $"{Member.Buildings}/{building}/sensors" };
        var before = new List<string>();
        foreach (var address in addresses)
        {
            before.Add((await admin.GetAsync(address)).Headers.ETag!.ToString());
        }

        await api.StoreReadingAsync(Guid.Parse(path[^36..]), TimeProvider.System.GetUtcNow().AddMinutes(-1), 5);
        foreach (var (address, etag) in addresses.Zip(before))
        {
            using var read = await admin.GetAsync(address, ("If-None-Match", etag));
            read.StatusCode.ShouldBe(HttpStatusCode.OK, address);
            (await admin.GetAsync(address, ("If-None-Match", read.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.NotModified, address);
        }

        (await admin.PatchAsync(path, new { name = "Renamed" }, before[0])).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var current = await admin.GetAsync(path);
        (await admin.PatchAsync(path, new { name = "Again" }, current.Headers.ETag!.ToString())).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Filters_go_together()
    {
        var admin = await api.MemberAsync();
        var (hall, pool) = (await admin.AddBuildingAsync(), await admin.AddBuildingAsync());
        await admin.AddSensorAsync(hall, new { name = "Hall air", quantity = "co2" });
        await admin.AddSensorAsync(hall, new { name = "Hall meter" });
        await admin.AddSensorAsync(pool, new { name = "Pool air", quantity = "co2" });
        (await admin.ReadAllAsync($"{Member.Sensors}?buildingId={hall}")).Select(Name).ShouldBe(["Hall air", "Hall meter"]);
        (await admin.ReadAllAsync($"{Member.Sensors}?quantity=co2", limit: 1)).Select(Name).ShouldBe(["Hall air", "Pool air"]);
        (await admin.ReadAllAsync($"{Member.Sensors}?q=AIR&buildingId={pool}&quantity=co2&status=never")).Select(Name).ShouldBe(["Pool air"]);
        (await admin.ReadAllAsync($"{Member.Sensors}?status=online")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("quantity=mood", "quantity")]
    [InlineData("status=asleep", "status")]
    [InlineData("buildingId=nonsense", "buildingId")]
    public async Task A_wrong_filter_is_named(string query, string path)
    {
        var admin = await api.MemberAsync();
        var problem = await (await admin.GetAsync($"{Member.Sensors}?{query}")).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").TryGetProperty(path, out _).ShouldBeTrue(problem.ToString());
    }

    private static string Name(JsonElement sensor) => sensor.GetProperty("name").GetString()!;
}
