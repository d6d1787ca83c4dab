using System.Text.Json;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics;

/// <summary>The organisation at a glance, over HTTP.</summary>
public sealed class OverviewTests(AnalyticsApi api) : IClassFixture<AnalyticsApi>
{
    private const string Path = AnalyticsQuestions.Analytics + "/overview";

    [Fact]
    public async Task An_empty_organisation_has_an_overview_too()
    {
        var answer = await (await api.RegisterAsync()).AskAsync(Path);
        answer.GetProperty("buildings").GetInt32().ShouldBe(0);
        answer.GetProperty("sensors").Number("total").ShouldBe(0);
        answer.GetProperty("energy").GetProperty("today").Number("kwh").ShouldBe(0);
        answer.GetProperty("energy").GetProperty("today").Number("coverage").ShouldBe(0);
        answer.GetProperty("energy").GetProperty("norm").ValueKind.ShouldBe(JsonValueKind.Null);
        answer.GetProperty("dataQuality").GetProperty("completeness").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    /// <summary>It is 11:30 in Berlin: the day is eleven and a half hours old.</summary>
    [Fact]
    public async Task Today_stands_beside_the_same_weekday_as_far_as_now()
    {
        var city = await api.RegisterAsync();
        var hall = await city.CreateBuildingAsync(more: new { carbonIntensityKgPerKwh = 0.5 });
        await city.CreateSensorAsync(hall, externalId: "e", more: new { intervalSeconds = 1800 });
        await city.CreateSensorAsync(hall, "temperature", "old", new { intervalSeconds = 3600 });
        await city.CreateSensorAsync(hall, "temperature", "new");
        await city.IngestAsync("old", (AnalyticsApi.Now.AddHours(-5), 20));
        var midnight = new DateTimeOffset(2026, 4, 10, 0, 0, 0, TimeSpan.FromHours(2));
        // 3 kWh in half an hour today; on the two Fridays before 2, all other days 9.
        await city.IngestAsync("e", Enumerable.Range(0, (2 * 24 * 16) + 23).Select(i => midnight.AddDays(-16).AddMinutes(30 * i))
            .Select(at => (at, at >= midnight ? 3 : at.DayOfWeek == DayOfWeek.Friday ? 2.0 : 9)));

        var answer = await city.AskAsync(Path);
        var sensors = answer.GetProperty("sensors");
        (sensors.Number("total"), sensors.Number("online"), sensors.Number("stale"), sensors.Number("never")).ShouldBe((3, 1, 1, 1));
        var energy = answer.GetProperty("energy");
        energy.GetProperty("timeZone").GetString().ShouldBe("Europe/Berlin");
        energy.GetProperty("today").GetProperty("from").GetString().ShouldBe("2026-04-09T22:00:00Z");
        energy.GetProperty("today").Number("kwh")!.Value.ShouldBe(23 * 3, 1e-9);
        energy.GetProperty("today").Number("co2Kg")!.Value.ShouldBe(23 * 1.5, 1e-9);
        energy.GetProperty("today").Number("coverage")!.Value.ShouldBe(1, 1e-9);
        energy.GetProperty("norm").Number("kwh")!.Value.ShouldBe(23 * 2, 1e-9);
        energy.GetProperty("norm").Number("weeks").ShouldBe(2);
        energy.Number("changePercent")!.Value.ShouldBe(50, 1e-9);
        answer.GetProperty("dataQuality").Number("completeness")!.Value.ShouldBe((1 + (1 / 24.0) + 0) / 3, 0.01);
        answer.GetProperty("dataQuality").Number("reportingShare")!.Value.ShouldBe(1 / 3.0, 1e-9);
    }

    [Fact]
    public async Task Nothing_of_others_is_in_it()
    {
        var city = await api.RegisterAsync();
        await city.CreateSensorAsync(await city.CreateBuildingAsync());
        (await (await api.RegisterAsync()).AskAsync(Path)).GetProperty("sensors").Number("total").ShouldBe(0);
        (await city.AskAsync(Path)).GetProperty("buildings").GetInt32().ShouldBe(1);
    }
}
