using System.Net;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class SenMlTests(ReadingsApi api) : IClassFixture<ReadingsApi>
{
    private const string SenMl = "application/senml+json";

    [Fact]
    public async Task A_pack_is_resolved_with_its_base_fields_as_the_rfc_has_it()
    {
        var city = await api.RegisterAsync();
        var building = await city.CreateBuildingAsync();
        var lobby = await city.CreateSensorAsync(building, "temperature", "urn:dev:mac:0024befffe804ff1:lobby");
        var roof = await city.CreateSensorAsync(building, "temperature", "urn:dev:mac:0024befffe804ff1:roof");
        var plug = await city.CreateSensorAsync(building, "electric_power", "plug");

        // The record's own members come before the base fields that they build on; unknown fields are free to be there.
        const string pack = """
            [
              { "n": "lobby", "v": 20.5, "x": { "deep": [1, { "n": "no name" }] }, "bn": "urn:dev:mac:0024befffe804ff1:", "bt": 1.7672256e9, "bu": "Cel", "bver": 10 },
              { "n": "lobby", "t": 60.25, "v": 21 },
              { "n": "roof", "t": 0.000001, "u": "K", "v": 273.15, "ut": 5 },
              { "bn": "", "bt": 0, "bu": "W", "bv": 1000 },
              { "n": "plug", "t": 1767225600, "v": 500 }
            ]
            """;
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, pack, SenMl)).ReadAsync(HttpStatusCode.OK)).ShouldBe((4, 0, 0, 0));

        var start = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        (await api.StoredAsync(lobby)).ShouldBe([(start, 20.5, 0), (start.AddSeconds(60.25), 21, 0)]);
        (await api.StoredAsync(roof)).ShouldBe([(start.AddMicroseconds(1), 0, 0)]);
        (await api.StoredAsync(plug)).ShouldBe([(start, 1.5, 0)]);
    }

    [Fact]
    public async Task Small_times_count_from_now()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var before = TimeProvider.System.GetUtcNow();
        (await ReadingsApi.PostAsync(city, """[{ "bn": "meter", "t": -60, "v": 1 }, { "v": 2 }]""", SenMl)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var stored = await api.StoredAsync(sensor);
        stored.Select(r => r.Value).ShouldBe([1, 2]);
        (stored[1].At - stored[0].At).ShouldBe(TimeSpan.FromMinutes(1));
        stored[1].At.ShouldBeInRange(before.UtcDateTime.AddMilliseconds(-1), TimeProvider.System.GetUtcNow().UtcDateTime);
    }

    [Fact]
    public async Task What_no_sensor_has_is_a_bad_row_and_good_ones_are_stored()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        const string pack = """
            [
              { "bn": "meter", "bt": 1767225600, "vs": "warm" },
              { "t": 1, "vb": true }, { "t": 2, "vd": "aGk" }, { "t": 3, "s": 7 }, { "t": 4 },
              { "t": 5, "v": 1, "u": "kWh" }, { "t": 6, "v": 1e999 }, { "t": 1e300, "v": 1 }, { "n": "x", "t": 7, "v": 1 }, { "t": 8, "v": 2 }
            ]
            """;
        var answer = await (await ReadingsApi.PostAsync(city, pack, SenMl, gzip: true)).ReadAsync(HttpStatusCode.OK);
        ReadingsApi.Counts(answer).ShouldBe((1, 0, 0, 9));
        answer.GetProperty("errors").EnumerateArray().Select(e => (e.GetProperty("index").GetInt32(), e.GetProperty("code").GetString())).ShouldBe(
        [
            (0, "unsupported"), (1, "unsupported"), (2, "unsupported"), (3, "unsupported"), (4, "unsupported"),
            (5, "invalid_unit"), (6, "not_finite"), (7, "invalid_time"), (8, "unknown_sensor"),
        ]);
        (await api.StoredAsync(sensor)).ShouldHaveSingleItem().Value.ShouldBe(2);
    }

    [Theory]
    [InlineData("{}", "$")]
    [InlineData("[1]", "[0]")]
    [InlineData("""[{ "bn": "meter", "v": 1 }, { "v": "1" }]""", "[1]")]
    [InlineData("""[{ "n": 5, "v": 1 }]""", "[0]")]
    [InlineData("""[{ "bver": 11, "n": "meter", "v": 1 }]""", "[0]")]
    [InlineData("""[{ "n": "meter", "v": 1, "must_": 1 }]""", "[0]")]
    [InlineData("""[{ "n": "meter", "v": 1, "v": 2 }]""", "[0]")]
    [InlineData("""[{ "n": "meter", "v": 1 }""", "[1]")]
    public async Task A_pack_that_is_none_is_400_and_stores_nothing(string body, string path)
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var problem = await (await ReadingsApi.PostAsync(city, body, SenMl)).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").TryGetProperty(path, out _).ShouldBeTrue(problem.ToString());
        (await api.StoredAsync(sensor)).ShouldBeEmpty();
    }
}
