using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics;

/// <summary>Forecasts over HTTP: of a sensor, and of a building's energy.</summary>
public sealed class ForecastApiTests(AnalyticsApi api) : IClassFixture<AnalyticsApi>
{
    private const string Energy = "/api/v1/citypulse/energy/forecast";
    private const string Sensor = AnalyticsQuestions.Analytics + "/forecast";
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    [Fact]
    public async Task A_building_is_forecast_by_the_hour_with_a_band_where_that_beats_the_naive()
    {
        var (city, hall) = await WithMeterAsync(days: 100, noise: 0.4);
        var answer = await city.AskAsync($"{Energy}?buildingId={hall}&horizonHours=30");
        answer.GetProperty("method").GetString().ShouldBe("regression");
        answer.GetProperty("beatsNaive").GetBoolean().ShouldBeTrue();
        answer.GetProperty("from").GetString().ShouldBe("2026-04-10T09:00:00Z");
        var accuracy = answer.GetProperty("accuracy");
        accuracy.Number("mase")!.Value.ShouldBeLessThan(0.9);
        accuracy.Number("coverage")!.Value.ShouldBeInRange(0.7, 0.9);
        var items = answer.GetProperty("items").EnumerateArray().ToList();
        items.Select(i => i.GetProperty("at").GetDateTimeOffset()).ShouldBe(Enumerable.Range(0, 30).Select(h => AnalyticsApi.Now.AddMinutes(-30).AddHours(h)));
        foreach (var item in items)
        {
            var (low, kwh, high) = (item.Number("low")!.Value, item.Number("kwh")!.Value, item.Number("high")!.Value);
            low.ShouldBeLessThanOrEqualTo(kwh);
            high.ShouldBeGreaterThanOrEqualTo(kwh);
            kwh.ShouldBe(Load(item.GetProperty("at").GetDateTimeOffset()), 0.5);
        }
    }

    /// <summary>All history is of winter time but twelve days; the load follows the clock.</summary>
    [Fact]
    public async Task The_forecast_follows_the_clock_of_the_building_when_it_has_changed()
    {
        var (city, hall) = await WithMeterAsync(days: 60, noise: 0.4);
        var items = (await city.AskAsync($"{Energy}?buildingId={hall}&horizonHours=48")).GetProperty("items").EnumerateArray().ToList();
        var morning = items.Single(i => i.GetProperty("at").GetString() == "2026-04-11T06:00:00Z");
        morning.Number("kwh")!.Value.ShouldBeGreaterThan(5, "it is eight o'clock in Berlin");
        items.Single(i => i.GetProperty("at").GetString() == "2026-04-11T05:00:00Z").Number("kwh")!.Value.ShouldBeLessThan(4, "it is seven");
    }

    [Fact]
    public async Task What_repeats_exactly_is_forecast_by_repeating_and_says_so()
    {
        var (city, hall) = await WithMeterAsync(days: 70, noise: 0, zone: "Etc/UTC");
        var answer = await city.AskAsync($"{Energy}?buildingId={hall}");
        answer.GetProperty("method").GetString().ShouldStartWith("seasonal_naive");
        answer.GetProperty("beatsNaive").GetBoolean().ShouldBeFalse();
        answer.GetProperty("note").GetString()!.ShouldContain("naive");
        answer.GetProperty("items").GetArrayLength().ShouldBe(24);
        answer.GetProperty("items")[0].Number("kwh").ShouldBe(answer.GetProperty("items")[0].Number("high"));
        answer.GetProperty("accuracy").GetProperty("mase").ValueKind.ShouldBe(JsonValueKind.Null, "the naive makes no error to compare with");
    }

    [Fact]
    public async Task The_portfolio_is_the_sum_and_a_carrier_a_part()
    {
        var (city, _) = await WithMeterAsync(days: 25, noise: 0, zone: "Etc/UTC");
        var (second, hours) = (await city.CreateBuildingAsync("Second", "Etc/UTC"), AnalyticsQuestions.Hours(25).ToList());
        await city.CreateSensorAsync(second, "heat_energy", "h", new { unit = "kWh", intervalSeconds = 3600 });
        await city.IngestAsync("h", hours.Select(at => (at, 5.0)));
        var heat = await First($"{Energy}?carrier=heat");
        var electricity = await First($"{Energy}?carrier=electricity");
        heat.ShouldBe(5, 1e-9);
        (await First(Energy)).ShouldBe(heat + electricity, 1e-9);

        async Task<double> First(string path) => (await city.AskAsync(path)).GetProperty("items")[0].Number("kwh")!.Value;
    }

    [Fact]
    public async Task A_sensor_is_forecast_in_its_own_unit()
    {
        var city = await api.RegisterAsync();
        var sensor = await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "t", new { intervalSeconds = 3600 });
        var random = new Random(2);
        await city.IngestAsync("t", AnalyticsQuestions.Hours(90).Select(at => (at, 21 + Load(at) + random.NextDouble())));
        var answer = await city.AskAsync($"{Sensor}?sensorId={sensor}&horizonHours=168");
        answer.GetProperty("unit").GetString().ShouldBe("Cel");
        answer.GetProperty("method").GetString().ShouldBe("regression");
        answer.GetProperty("items").GetArrayLength().ShouldBe(168);
        answer.GetProperty("items").EnumerateArray().ShouldAllBe(i =>
            Math.Abs(i.Number("value")!.Value - 21.5 - Load(i.GetProperty("at").GetDateTimeOffset())) < 1.5);
    }

    [Fact]
    public async Task Where_little_is_known_nothing_is_forecast_and_that_is_said()
    {
        var city = await api.RegisterAsync();
        var hall = await city.CreateBuildingAsync();
        var sensor = await city.CreateSensorAsync(hall, externalId: "e", more: new { intervalSeconds = 3600 });
        foreach (var days in new[] { 0, 5 })
        {
            await city.IngestAsync("e", AnalyticsQuestions.Hours(6).Take(24 * days).Append(AnalyticsApi.Now.AddMinutes(-30)).Select(at => (at, 1.0)));
            foreach (var path in new[] { $"{Energy}?buildingId={hall}", $"{Sensor}?sensorId={sensor}" })
            {
                var answer = await city.AskAsync(path);
                answer.GetProperty("method").GetString().ShouldBe("none");
                answer.GetProperty("items").GetArrayLength().ShouldBe(0);
                answer.GetProperty("note").GetString()!.ShouldContain("14 days");
                answer.GetProperty("beatsNaive").ValueKind.ShouldBe(JsonValueKind.Null);
            }
        }
    }

    [Theory]
    [InlineData(Energy, "horizonHours=0", "horizonHours")]
    [InlineData(Energy, "horizonHours=169", "horizonHours")]
    [InlineData(Energy, "horizonHours=-1", "horizonHours")]
    [InlineData(Energy, "horizonHours=two", "horizonHours")]
    [InlineData(Energy, "carrier=steam", "carrier")]
    [InlineData(Energy, "buildingId=1", "buildingId")]
    [InlineData(Sensor, "horizonHours=24", "sensorId")]
    [InlineData(Sensor, "sensorId=0190a1b2-0000-7000-8000-000000000000&horizonHours=9999999999", "horizonHours")]
    public async Task A_bad_question_is_refused(string path, string query, string parameter) =>
        await (await api.RegisterAsync()).RefusedAsync($"{path}?{query}", parameter);

    [Fact]
    public async Task Anothers_building_and_sensor_are_not_found()
    {
        var city = await api.RegisterAsync();
        var hall = await city.CreateBuildingAsync();
        var sensor = await city.CreateSensorAsync(hall);
        var stranger = await api.RegisterAsync();
        await stranger.NotFoundAsync($"{Energy}?buildingId={hall}");
        await stranger.NotFoundAsync($"{Sensor}?sensorId={sensor}");
    }

    private async Task<(City City, Guid Building)> WithMeterAsync(int days, double noise, string zone = "Europe/Berlin")
    {
        var city = await api.RegisterAsync();
        var hall = await city.CreateBuildingAsync(timeZone: zone);
        await city.CreateSensorAsync(hall, externalId: "m", more: new { intervalSeconds = 3600 });
        var random = new Random(11);
        await city.IngestAsync("m", AnalyticsQuestions.Hours(days).Select(at => (at, Load(at, zone) + (noise * (random.NextDouble() - 0.5)))));
        return (city, hall);
    }

    /// <summary>2 kWh by night, 8 from eight to six on the place's clock, half of that at weekends.</summary>
    private static double Load(DateTimeOffset at, string zone = "Europe/Berlin")
    {
        var local = TimeZoneInfo.ConvertTime(at, zone == "Europe/Berlin" ? Berlin : TimeZoneInfo.Utc);
        var day = local.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 5 : 8;
        return local.Hour is >= 8 and < 18 ? day : 2;
    }
}
