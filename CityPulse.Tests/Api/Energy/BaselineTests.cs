using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Energy;

/// <summary>Savings against a weather-adjusted baseline, over HTTP, on meters whose truth is known.</summary>
public sealed class BaselineTests(EnergyApiFixture fixture, ITestOutputHelper output) : IClassFixture<EnergyApiFixture>
{
    private const string Baseline = "/api/v1/citypulse/energy/baseline";
    /// <summary>Local midnights around the retrofit of the simulated meters, which saves 10 %.</summary>
    private const string AroundTheRetrofit =
        "baselineFrom=2015-12-26T06:00:00Z&baselineTo=2016-12-26T06:00:00Z&reportFrom=2017-01-04T06:00:00Z&reportTo=2018-01-04T06:00:00Z";

    [Theory]
    [InlineData("il-electricity-cdd-hdd-daily", "heating_cooling")]
    [InlineData("il-electricity-cdd-only-daily", "cooling")]
    [InlineData("il-gas-hdd-only-daily", "heating")]
    [InlineData("il-gas-intercept-only-daily", "constant")]
    public async Task Ten_percent_are_found_in_the_daily_series_of_a_meter_that_saves_ten(string name, string model)
    {
        var (city, house) = await LoadAsync(name);
        var answer = await GetAsync(city, $"{Baseline}?buildingId={house}&{AroundTheRetrofit}");
        output.WriteLine(Summary(answer));

        answer.GetProperty("accepted").GetBoolean().ShouldBeTrue(answer.ToString());
        answer.GetProperty("granularity").GetString().ShouldBe("daily");
        answer.GetProperty("model").GetProperty("type").GetString().ShouldBe(model);
        answer.GetProperty("baseline").GetProperty("observations").GetInt32().ShouldBe(366);
        answer.GetProperty("report").GetProperty("observations").GetInt32().ShouldBe(365);
        answer.GetProperty("normalizedSavingsShare").GetDouble().ShouldBe(0.10, 0.03, Summary(answer));
        answer.GetProperty("cvRmse").GetDouble().ShouldBeInRange(0.1, 0.4);
        answer.GetProperty("monthlyCvRmse").GetDouble().ShouldBeInRange(0, 0.15);
        Math.Abs(answer.GetProperty("nmbe").GetDouble()).ShouldBeLessThan(0.05);
        answer.GetProperty("r2").GetDouble().ShouldBeInRange(model == "constant" ? -0.01 : 0.7, 1);

        // What was avoided in that year holds the truth within its uncertainty.
        var uncertainty = answer.GetProperty("savingsUncertaintyKwh").GetDouble() / answer.GetProperty("expectedKwh").GetDouble();
        answer.GetProperty("savingsShare").GetDouble().ShouldBe(0.10, uncertainty + 0.005, Summary(answer));
        answer.GetProperty("significant").GetBoolean().ShouldBeTrue();
    }

    [Theory]
    [InlineData("uk-electricity-0-hourly", "2020-12-06T00:00:00Z", "2021-12-06T00:00:00Z", "2022-12-06T00:00:00Z")]
    [InlineData("uk-electricity-1-halfhourly", "2012-10-13T00:00:00Z", "2013-06-05T00:00:00Z", "2014-01-25T00:00:00Z")]
    public async Task A_house_without_a_retrofit_is_not_said_to_have_saved(string name, string from, string middle, string to)
    {
        var (city, house) = await LoadAsync(name);
        var answer = await GetAsync(city, $"{Baseline}?buildingId={house}&baselineFrom={from}&baselineTo={middle}&reportFrom={middle}&reportTo={to}");
        output.WriteLine(Summary(answer));
        if (answer.GetProperty("accepted").GetBoolean())
        {
            Math.Abs(answer.GetProperty("savingsKwh").GetDouble()).ShouldBeLessThan(answer.GetProperty("savingsUncertaintyKwh").GetDouble(), Summary(answer));
            answer.GetProperty("significant").GetBoolean().ShouldBeFalse();
            answer.GetProperty("notes").GetProperty("significant").GetString()!.ShouldContain("no savings");
        }
        else
        {
            answer.GetProperty("savingsKwh").ValueKind.ShouldBe(JsonValueKind.Null);
        }
    }

    [Fact]
    public async Task Bills_make_a_monthly_baseline()
    {
        var (city, house) = await LoadAsync("il-gas-hdd-only-billing-monthly");
        var answer = await GetAsync(city, $"{Baseline}?buildingId={house}&{AroundTheRetrofit}");
        output.WriteLine(Summary(answer));
        answer.GetProperty("granularity").GetString().ShouldBe("monthly");
        answer.GetProperty("baseline").GetProperty("observations").GetInt32().ShouldBeInRange(10, 12);
        answer.GetProperty("model").GetProperty("type").GetString().ShouldBe("heating");
        answer.GetProperty("r2").GetDouble().ShouldBeGreaterThan(0.95);
    }

    [Fact]
    public async Task A_model_that_fails_the_guideline_states_no_savings()
    {
        // Night storage heating came and went in this household: no weather explains its use.
        var (city, house) = await LoadAsync("uk-electricity-2-halfhourly");
        var answer = await GetAsync(city, $"{Baseline}?buildingId={house}"
            + "&baselineFrom=2012-10-13T00:00:00Z&baselineTo=2013-06-05T00:00:00Z&reportFrom=2013-06-05T00:00:00Z&reportTo=2014-01-25T00:00:00Z");
        answer.GetProperty("accepted").GetBoolean().ShouldBeFalse();
        answer.GetProperty("monthlyCvRmse").GetDouble().ShouldBeGreaterThan(0.15);
        answer.GetProperty("reasons")[0].GetString()!.ShouldContain("CV(RMSE)");
        foreach (var member in new[] { "expectedKwh", "savingsKwh", "savingsShare", "normalizedSavingsShare", "significant" })
        {
            answer.GetProperty(member).ValueKind.ShouldBe(JsonValueKind.Null, member);
        }

        answer.GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Without_an_outdoor_temperature_there_is_a_reason_and_no_savings()
    {
        var city = await City.RegisterAsync(fixture.Api.CreateClient());
        var house = await city.CreateBuildingAsync();
        await city.CreateSensorAsync(house, externalId: "m");
        var answer = await GetAsync(city, $"{Baseline}?buildingId={house}&{AroundTheRetrofit}");
        answer.GetProperty("accepted").GetBoolean().ShouldBeFalse();
        answer.GetProperty("reasons")[0].GetString()!.ShouldContain("outdoor");

        // With one that has no readings there is a reason too.
        var outdoor = await city.CreateSensorAsync(house, "temperature", "t", new { tags = new[] { "outdoor" } });
        answer = await GetAsync(city, $"{Baseline}?buildingId={house}&{AroundTheRetrofit}");
        answer.GetProperty("temperatureSensorId").GetGuid().ShouldBe(outdoor);
        answer.GetProperty("savingsKwh").ValueKind.ShouldBe(JsonValueKind.Null);
        answer.GetProperty("reasons")[0].GetString()!.ShouldContain("0 and 0");
    }

    [Theory]
    [InlineData("", "buildingId,baselineFrom,baselineTo,reportFrom,reportTo")]
    [InlineData("buildingId=0199d6a8-0000-7000-8000-000000000000&baselineFrom=2016-01-01T00:00:00Z&baselineTo=2015-01-01T00:00:00Z&reportFrom=x&reportTo=2017-01-01T00:00:00Z", "baselineFrom,reportFrom")]
    [InlineData("buildingId=0199d6a8-0000-7000-8000-000000000000&baselineFrom=2016-01-01T00:00:00Z&baselineTo=2017-01-01T00:00:00Z&reportFrom=2016-06-01T00:00:00Z&reportTo=2017-06-01T00:00:00Z", "reportFrom")]
    [InlineData("buildingId=0199d6a8-0000-7000-8000-000000000000&baselineFrom=2000-01-01T00:00:00Z&baselineTo=2016-01-01T00:00:00Z&reportFrom=2016-01-01T00:00:00Z&reportTo=2017-01-01T00:00:00Z&granularity=hourly&carrier=steam", "baselineFrom,granularity,carrier")]
    public async Task A_bad_question_is_refused(string query, string paths)
    {
        var city = await City.RegisterAsync(fixture.Api.CreateClient());
        var problem = await (await city.Client.GetAsync($"{Baseline}?{query}")).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldBe(paths.Split(','), ignoreOrder: true);
    }

    [Fact]
    public async Task Foreign_buildings_and_sensors_are_not_found()
    {
        var city = await City.RegisterAsync(fixture.Api.CreateClient());
        var stranger = await City.RegisterAsync(fixture.Api.CreateClient());
        var house = await city.CreateBuildingAsync();
        var foreign = await stranger.CreateSensorAsync(await stranger.CreateBuildingAsync(), "temperature", "t");
        await (await stranger.Client.GetAsync($"{Baseline}?buildingId={house}&{AroundTheRetrofit}")).ReadProblemAsync(HttpStatusCode.NotFound);
        await (await city.Client.GetAsync($"{Baseline}?buildingId={house}&temperatureSensorId={foreign}&{AroundTheRetrofit}"))
            .ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    private async Task<(City City, Guid House)> LoadAsync(string name)
    {
        var meter = MeterFile.Named(name);
        var city = await City.RegisterAsync(fixture.Api.CreateClient());
        var house = await city.CreateBuildingAsync(name, meter.Zone);
        await city.CreateSensorAsync(house, meter.Quantity, "m", new { kind = "delta", unit = meter.Unit, intervalSeconds = meter.IntervalSeconds });
        await city.CreateSensorAsync(house, "temperature", "room", new { intervalSeconds = 3600 });
        await city.CreateSensorAsync(house, "temperature", "t", new { intervalSeconds = 3600, tags = new[] { "outdoor" } });
        await MeterFile.IngestAsync(city, "m", meter.Rows());
        await MeterFile.IngestAsync(city, "t", MeterFile.Read(meter.Weather));
        return (city, house);
    }

    private static string Summary(JsonElement answer) => string.Join(", ", answer.EnumerateObject()
        .Where(m => m.Name is not ("items" or "notes" or "buildingId" or "temperatureSensorId")).Select(m => $"{m.Name} {m.Value}"));

    private static async Task<JsonElement> GetAsync(City city, string path)
    {
        using var response = await city.Client.GetAsync(path);
        return await response.ReadAsync(HttpStatusCode.OK);
    }
}
