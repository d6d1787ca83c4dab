using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics;

/// <summary>The generic query over HTTP.</summary>
public sealed class QueryApiTests(AnalyticsApi api) : IClassFixture<AnalyticsApi>
{
    private const string Query = AnalyticsQuestions.Analytics + "/query";
    private static readonly DateTimeOffset From = new(2026, 3, 28, 0, 0, 0, TimeSpan.FromHours(1));
    private static readonly DateTimeOffset To = new(2026, 3, 31, 0, 0, 0, TimeSpan.FromHours(2));

    [Fact]
    public async Task Means_are_of_all_readings_by_building_and_local_day_in_one_unit()
    {
        var (city, hall, school) = await WithReadingsAsync();
        var rows = await RowsAsync(city, new { metric = "avg", quantity = "temperature", groupBy = new[] { "building", "time" }, resolution = "1d", from = From, to = To });
        // 29 March has 23 hours in Berlin: the third day begins at 22:00Z.
        rows.Where(r => r.GetProperty("buildingId").GetGuid() == hall).Select(r => (r.GetProperty("at").GetString(), r.Number("value"), r.Number("count"))).ShouldBe(
            [("2026-03-27T23:00:00Z", 20, 24), ("2026-03-28T23:00:00Z", 20, 23), ("2026-03-29T22:00:00Z", 20, 24)]);
        // 86 °F; its sensor reports twice as often and counts for twice as much in the common mean.
        rows.Where(r => r.GetProperty("buildingId").GetGuid() == school).ShouldAllBe(r => Math.Abs(r.Number("value")!.Value - 30) < 1e-9);
        var all = await RowsAsync(city, new { metric = "avg", quantity = "temperature", from = From, to = To });
        all.ShouldHaveSingleItem().Number("value")!.Value.ShouldBe(((71 * 20) + (142 * 30)) / 213.0, 1e-9);
        all[0].TryGetProperty("buildingId", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Other_metrics_and_filters()
    {
        var (city, hall, school) = await WithReadingsAsync();
        (await OneAsync(new { metric = "max", quantity = "temperature", from = From, to = To })).ShouldBe(30, 1e-9);
        (await OneAsync(new { metric = "min", quantity = "temperature", from = From, to = To, filters = new { buildingId = school } })).ShouldBe(30, 1e-9);
        (await OneAsync(new { metric = "count", from = From, to = To, filters = new { buildingIds = new[] { hall, school } } })).ShouldBe(71 + 142 + 71);
        (await OneAsync(new { metric = "sum", quantity = "electric_energy", from = From, to = To })).ShouldBe(71 * 2.5, 1e-9);
        (await OneAsync(new { metric = "avg", quantity = "temperature", from = From, to = To, filters = new { use = "school" } })).ShouldBe(30, 1e-9);
        (await OneAsync(new { metric = "avg", quantity = "temperature", from = From, to = To, filters = new { tag = "lobby" } })).ShouldBe(20, 1e-9);
        (await RowsAsync(city, new { metric = "avg", quantity = "co2", from = From, to = To })).ShouldBeEmpty();
        (await RowsAsync(city, new { metric = "avg", groupBy = new[] { "quantity" }, from = From, to = To }))
            .Select(r => (r.GetProperty("quantity").GetString(), r.GetProperty("unit").GetString())).ShouldBe([("electric_energy", "kWh"), ("temperature", "Cel")]);

        async Task<double> OneAsync(object query) => (await RowsAsync(city, query)).ShouldHaveSingleItem().Number("value")!.Value;
    }

    [Fact]
    public async Task Energy_by_use_and_day_is_what_the_energy_report_says()
    {
        var (city, _, _) = await WithReadingsAsync();
        var rows = await RowsAsync(city, new { metric = "kwh", groupBy = new[] { "use", "time" }, resolution = "1d", from = From, to = To });
        rows.Select(r => (r.GetProperty("use").GetString(), r.GetProperty("at").GetString(), r.Number("value"), r.Number("coverage"))).ShouldBe(
        [
            ("office", "2026-03-27T23:00:00Z", 60, 1), ("office", "2026-03-28T23:00:00Z", 57.5, 1), ("office", "2026-03-29T22:00:00Z", 60, 1),
        ]);
    }

    [Theory]
    [InlineData("{}", "metric")]
    [InlineData("""{"metric":"median"}""", "metric")]
    [InlineData("""{"metric":"avg"}""", "quantity")]
    [InlineData("""{"metric":"avg","quantity":"magic"}""", "quantity")]
    [InlineData("""{"metric":"kwh","quantity":"electric_energy"}""", "quantity")]
    [InlineData("""{"metric":"count","groupBy":["owner"]}""", "groupBy")]
    [InlineData("""{"metric":"count","groupBy":["time","time"]}""", "groupBy")]
    [InlineData("""{"metric":"count","groupBy":"time"}""", "$.groupBy")]
    [InlineData("""{"metric":"count","groupBy":[null]}""", "groupBy")]
    [InlineData("""{"metric":"kwh","groupBy":["quantity"]}""", "groupBy")]
    [InlineData("""{"metric":"count","resolution":"5m"}""", "resolution")]
    [InlineData("""{"metric":"count","groupBy":["time"],"resolution":"1m","from":"2026-01-01T00:00:00Z"}""", "from")]
    [InlineData("""{"metric":"kwh","groupBy":["time"],"resolution":"15m","from":"2020-01-01T00:00:00Z"}""", "from")]
    [InlineData("""{"metric":"count","from":"2026-04-02T00:00:00Z","to":"2026-04-01T00:00:00Z"}""", "from")]
    [InlineData("""{"metric":"count","from":"2026-04-02T00:00:00"}""", "$.from")]
    [InlineData("""{"metric":"count","filters":{"use":"castle"}}""", "filters.use")]
    [InlineData("""{"metric":"count","filters":{"carrier":"gas"}}""", "filters.carrier")]
    [InlineData("""{"metric":"count","filters":{"owner":"x"}}""", "$.filters.owner")]
    [InlineData("""{"metric":"count","where":"1=1"}""", "$.where")]
    public async Task A_bad_query_is_refused(string body, string parameter)
    {
        var city = await api.RegisterAsync();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await city.Client.PostAsync(Query, content);
        var problem = await response.ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name.TrimStart('$', '.')).ShouldContain(parameter.TrimStart('$', '.'), problem.ToString());
    }

    [Fact]
    public async Task What_belongs_to_others_is_not_found_and_never_counted()
    {
        var (city, hall, _) = await WithReadingsAsync();
        var stranger = await api.RegisterAsync();
        foreach (var filters in new object[] { new { buildingId = hall }, new { sensorId = Guid.CreateVersion7() } })
        {
            using var response = await stranger.Client.PostAsJsonAsync(Query, new { metric = "count", filters });
            await response.ReadProblemAsync(HttpStatusCode.NotFound);
        }

        (await RowsAsync(stranger, new { metric = "count", from = From, to = To })).ShouldBeEmpty();
        (await RowsAsync(stranger, new { metric = "kwh", from = From, to = To })).ShouldBeEmpty();
        using var text = await city.Client.PostAsync(Query, new StringContent("metric=count"));
        await text.ReadProblemAsync(HttpStatusCode.UnsupportedMediaType);
    }

    /// <summary>A hall with 20 °C every hour and 2.5 kWh an hour, and a school with 86 °F every half hour, all over three days with the clock change.</summary>
    private async Task<(City City, Guid Hall, Guid School)> WithReadingsAsync()
    {
        var city = await api.RegisterAsync();
        var hall = await city.CreateBuildingAsync("Hall");
        var school = await city.CreateBuildingAsync("School", more: new { use = "school" });
        await city.CreateSensorAsync(hall, "temperature", "t1", new { intervalSeconds = 3600, tags = new[] { "lobby" } });
        await city.CreateSensorAsync(school, "temperature", "t2", new { intervalSeconds = 1800, unit = "[degF]" });
        await city.CreateSensorAsync(hall, "electric_energy", "e", new { intervalSeconds = 3600 });
        await city.IngestAsync("t1", Enumerable.Range(0, 71).Select(h => (From.AddHours(h), 20.0)));
        await city.IngestAsync("t2", Enumerable.Range(0, 142).Select(h => (From.AddMinutes(30 * h), 86.0)));
        await city.IngestAsync("e", Enumerable.Range(0, 71).Select(h => (From.AddHours(h), 2.5)));
        return (city, hall, school);
    }

    private static async Task<List<JsonElement>> RowsAsync(City city, object query)
    {
        using var response = await city.Client.PostAsJsonAsync(Query, query);
        return [.. (await response.ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray()];
    }
}
