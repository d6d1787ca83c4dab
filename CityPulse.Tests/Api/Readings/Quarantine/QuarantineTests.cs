using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Readings.Quarantine;

public sealed class QuarantineTests(ReadingsApi api) : IClassFixture<ReadingsApi>
{
    private const string Route = "/api/v1/citypulse/quarantine";

    [Fact]
    public async Task An_impossible_amount_is_held_counted_as_rejected_and_can_be_released()
    {
        var (city, sensor) = await WithMeterAsync(new { kind = "delta", ratedPowerKw = 10.0, intervalSeconds = 900 });
        var batch = ReadingsApi.Json(("m", "2026-01-01T00:00:00Z", 2), ("m", "2026-01-01T00:15:00Z", 250), ("m", "2026-01-01T00:30:00Z", 2.5));
        var answer = await (await ReadingsApi.PostAsync(city, batch)).ReadAsync(HttpStatusCode.OK);
        ReadingsApi.Counts(answer).ShouldBe((2, 0, 0, 1));
        var error = answer.GetProperty("errors").EnumerateArray().ShouldHaveSingleItem();
        (error.GetProperty("index").GetInt32(), error.GetProperty("sensor").GetString(), error.GetProperty("code").GetString()).ShouldBe((1, "m", "quarantined"));

        // Sent again, nothing changes and nothing is held twice.
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, batch)).ReadAsync(HttpStatusCode.OK)).ShouldBe((0, 0, 2, 1));
        var held = (await ListAsync(city, "?state=held")).ShouldHaveSingleItem();
        held.GetProperty("sensorId").GetGuid().ShouldBe(sensor);
        held.GetProperty("at").GetString().ShouldBe("2026-01-01T00:15:00Z");
        held.GetProperty("value").GetDouble().ShouldBe(250);

        var path = $"{Route}/{held.GetProperty("id").GetGuid()}";
        using var released = await city.Client.PostAsync($"{path}/release", null);
        var after = await released.ReadAsync(HttpStatusCode.OK);
        after.GetProperty("state").GetString().ShouldBe("released");
        (await api.StoredAsync(sensor)).Select(r => r.Value).ShouldBe([2, 250, 2.5]);
        using (var again = await city.Client.PostAsync($"{path}/release", null))
        {
            await again.ReadProblemAsync(HttpStatusCode.Conflict);
        }

        // Now it is a reading like any other.
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, batch)).ReadAsync(HttpStatusCode.OK)).ShouldBe((0, 0, 3, 0));
    }

    [Fact]
    public async Task A_discarded_reading_stays_out_until_it_comes_with_another_value()
    {
        var (city, sensor) = await WithMeterAsync(new { kind = "delta", ratedPowerKw = 10.0, intervalSeconds = 900 });
        await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(("m", "2026-01-01T00:00:00Z", 999)))).ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
        var id = (await ListAsync(city)).ShouldHaveSingleItem().GetProperty("id").GetGuid();
        using (var discarded = await city.Client.PostAsync($"{Route}/{id}/discard", null))
        {
            (await discarded.ReadAsync(HttpStatusCode.OK)).GetProperty("state").GetString().ShouldBe("discarded");
        }

        await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(("m", "2026-01-01T00:00:00Z", 999)))).ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
        (await ListAsync(city, "?state=held")).ShouldBeEmpty();
        await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(("m", "2026-01-01T00:00:00Z", 998)))).ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
        (await ListAsync(city, "?state=held")).ShouldHaveSingleItem().GetProperty("value").GetDouble().ShouldBe(998);
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(("m", "2026-01-01T00:00:00Z", 1)))).ReadAsync(HttpStatusCode.OK)).ShouldBe((1, 0, 0, 0));
        (await api.StoredAsync(sensor)).ShouldHaveSingleItem().Value.ShouldBe(1);
    }

    [Fact]
    public async Task A_register_that_leaps_is_held_once_and_believed_when_the_next_reading_confirms_it()
    {
        var (city, sensor) = await WithMeterAsync(new { kind = "counter", ratedPowerKw = 10.0, intervalSeconds = 900 });
        await city.IngestAsync("m", (At(0), 1000), (At(15), 1002));

        // Each in a call of its own, as a meter sends them. A fall is a reset and no leap.
        foreach (var (minute, value, isHeld) in new[] { (30, 9000.0, true), (45, 1004, false), (60, 7000, true), (75, 7002, false), (90, 7004, false), (105, 3, false), (120, -5, true) })
        {
            using var answer = await ReadingsApi.PostAsync(city, ReadingsApi.Json(("m", At(minute).ToString("O"), value)));
            answer.StatusCode.ShouldBe(isHeld ? HttpStatusCode.UnprocessableEntity : HttpStatusCode.OK, $"{value}");
        }

        (await api.StoredAsync(sensor)).Select(r => r.Value).ShouldBe([1000, 1002, 1004, 7002, 7004, 3]);
        (await ListAsync(city)).Select(q => q.GetProperty("value").GetDouble()).ShouldBe([9000, 7000, -5]);

        static DateTimeOffset At(int minute) => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(minute);
    }

    [Fact]
    public async Task Without_a_rated_power_nothing_is_ever_held()
    {
        var (city, _) = await WithMeterAsync(new { kind = "counter" });
        var rows = Enumerable.Range(0, 50).Select(i => ("m", $"2026-01-01T00:{i:00}:00Z", Math.Pow(-9.5, i % 30)));
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(rows))).ReadAsync(HttpStatusCode.OK)).ShouldBe((50, 0, 0, 0));
        (await ListAsync(city)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_list_pages_filters_and_belongs_to_its_organisation()
    {
        var (city, sensor) = await WithMeterAsync(new { kind = "delta", ratedPowerKw = 1.0, intervalSeconds = 900 });
        await ReadingsApi.PostAsync(city, ReadingsApi.Json(Enumerable.Range(0, 5).Select(i => ("m", $"2026-01-01T00:0{i}:00Z", 100.0 + i))));
        var page = await (await city.Client.GetAsync($"{Route}?limit=3")).ReadAsync(HttpStatusCode.OK);
        var rest = await (await city.Client.GetAsync($"{Route}?limit=3&cursor={page.GetProperty("nextCursor").GetString()}")).ReadAsync(HttpStatusCode.OK);
        page.GetProperty("items").EnumerateArray().Concat(rest.GetProperty("items").EnumerateArray()).Select(q => q.GetProperty("value").GetDouble())
            .Order().ShouldBe([100, 101, 102, 103, 104]);
        rest.GetProperty("nextCursor").ValueKind.ShouldBe(JsonValueKind.Null);
        (await ListAsync(city, $"?sensorId={sensor}&from=2026-01-01T00:01:00Z&to=2026-01-01T00:03:00Z")).Select(q => q.GetProperty("value").GetDouble()).Order().ShouldBe([101, 102]);
        (await ListAsync(city, $"?buildingId={Guid.NewGuid()}")).ShouldBeEmpty();

        var stranger = await api.RegisterAsync();
        (await ListAsync(stranger)).ShouldBeEmpty();
        var id = page.GetProperty("items")[0].GetProperty("id").GetGuid();
        foreach (var action in new[] { "release", "discard" })
        {
            using var foreign = await stranger.Client.PostAsync($"{Route}/{id}/{action}", null);
            await foreign.ReadProblemAsync(HttpStatusCode.NotFound);
        }

        foreach (var wrong in new[] { "?state=lost", "?limit=0", "?cursor=x", "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z" })
        {
            using var refused = await city.Client.GetAsync(Route + wrong);
            await refused.ReadProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    private async Task<(City City, Guid Sensor)> WithMeterAsync(object more)
    {
        var city = await api.RegisterAsync();
        return (city, await city.CreateSensorAsync(await city.CreateBuildingAsync(), "electric_energy", "m", more));
    }

    private static async Task<List<JsonElement>> ListAsync(City city, string query = "") =>
        [.. (await (await city.Client.GetAsync(Route + query)).ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray()];
}
