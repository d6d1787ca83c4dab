using System.Text.Json;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics;

/// <summary>How good the readings of sensors are, over HTTP.</summary>
public sealed class DataQualityApiTests(AnalyticsApi api) : IClassFixture<AnalyticsApi>
{
    private const string Quality = AnalyticsQuestions.Analytics + "/data-quality";
    private static readonly DateTimeOffset Start = new(2026, 4, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Gaps_stuck_values_and_spikes_are_told_for_each_sensor()
    {
        var city = await api.RegisterAsync();
        var hall = await city.CreateBuildingAsync();
        var sensor = await city.CreateSensorAsync(hall, "temperature", "t", new { intervalSeconds = 900 });
        await city.CreateSensorAsync(hall, "humidity", "silent");
        var random = new Random(9);
        await city.IngestAsync("t", Enumerable.Range(0, 4 * 96).Where(i => i is < 40 or >= 50)
            .Select(i => (Start.AddMinutes((15 * i) + 1), i == 200 ? 90 : i is >= 300 and < 324 ? 21.5 : Math.Round(20 + random.NextDouble(), 3))));

        var answer = await city.AskAsync($"{Quality}?buildingId={hall}&from={Start.Text()}&to={Start.AddDays(4).Text()}");
        answer.GetProperty("items").GetArrayLength().ShouldBe(2);
        var item = answer.GetProperty("items").EnumerateArray().Single(i => i.GetProperty("sensorId").GetGuid() == sensor);
        item.GetProperty("expected").GetInt32().ShouldBe(384);
        item.GetProperty("received").GetInt32().ShouldBe(374);
        item.Number("completeness")!.Value.ShouldBe(374 / 384.0, 1e-9);
        item.GetProperty("gapCount").GetInt32().ShouldBe(1);
        var gap = item.GetProperty("gaps")[0];
        gap.GetProperty("from").GetDateTimeOffset().ShouldBe(Start.AddMinutes((15 * 40) + 1));
        gap.GetProperty("to").GetDateTimeOffset().ShouldBe(Start.AddMinutes((15 * 50) + 1));
        gap.GetProperty("missing").GetInt32().ShouldBe(10);
        var stuck = item.GetProperty("stuckValues").EnumerateArray().ShouldHaveSingleItem();
        stuck.Number("value").ShouldBe(21.5);
        stuck.GetProperty("count").GetInt32().ShouldBe(24);
        item.GetProperty("spikeCount").GetInt32().ShouldBe(1);
        item.GetProperty("spikes")[0].GetProperty("at").GetDateTimeOffset().ShouldBe(Start.AddMinutes((15 * 200) + 1));
        item.GetProperty("clock").Number("offsetSeconds")!.Value.ShouldBe(60, 0.1);
        item.GetProperty("clock").Number("driftSecondsPerDay")!.Value.ShouldBe(0, 0.1);

        var silent = answer.GetProperty("items").EnumerateArray().Single(i => i.GetProperty("sensorId").GetGuid() != sensor);
        silent.Number("completeness").ShouldBe(0);
        silent.GetProperty("gaps")[0].GetProperty("missing").GetInt32().ShouldBe(384);
        silent.GetProperty("clock").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task What_lies_ahead_of_now_is_not_missing()
    {
        var city = await api.RegisterAsync();
        var sensor = await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "t", new { intervalSeconds = 3600 });
        await city.IngestAsync("t", AnalyticsQuestions.Hours(1).Append(AnalyticsApi.Now.AddMinutes(-30)).Select((at, i) => (at, 20 + (0.1 * i))));
        var item = (await city.AskAsync($"{Quality}?from={AnalyticsApi.Now.AddMinutes(-30).AddDays(-1).Text()}&to={AnalyticsApi.Now.AddDays(30).Text()}"))
            .GetProperty("items").EnumerateArray().ShouldHaveSingleItem();
        item.GetProperty("sensorId").GetGuid().ShouldBe(sensor);
        item.Number("completeness").ShouldBe(1);
    }

    [Fact]
    public async Task A_bad_question_is_refused_and_anothers_building_not_found()
    {
        var city = await api.RegisterAsync();
        await city.RefusedAsync($"{Quality}?buildingId=7", "buildingId");
        await city.RefusedAsync($"{Quality}?from=2026-04-01T00:00:00", "from");
        await city.RefusedAsync($"{Quality}?from=2026-04-02T00:00:00Z&to=2026-04-01T00:00:00Z", "from");
        var hall = await city.CreateBuildingAsync();
        await city.CreateSensorAsync(hall, more: new { intervalSeconds = 1 });
        await city.RefusedAsync($"{Quality}?buildingId={hall}&from=2025-01-01T00:00:00Z", "from");
        await (await api.RegisterAsync()).NotFoundAsync($"{Quality}?buildingId={hall}");
        (await city.AskAsync(Quality)).GetProperty("items").GetArrayLength().ShouldBe(1);
    }
}
