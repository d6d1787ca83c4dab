using System.Globalization;
using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Energy;

/// <summary>Cost, emissions, comparisons and explanations, over HTTP.</summary>
public sealed class EnergyCostTests(EnergyApiFixture fixture) : IClassFixture<EnergyApiFixture>
{
    private const string Energy = "/api/v1/citypulse/energy";
    private const string Tariffs = $"{Energy}/tariffs";
    private const string Factors = $"{Energy}/factors";
    private const string TimeOfUse = """
        {"name":"Time of use","currency":"EUR","demandChargePerKw":5,
         "energyRates":[{"pricePerKwh":0.10,"from":"22:00","to":"06:00"},{"pricePerKwh":0.30}]}
        """;

    [Theory]
    [InlineData("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 7, 16)]
    [InlineData("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 9, 16)]
    [InlineData("2026-06-14T22:00:00Z", "2026-06-15T22:00:00Z", 8, 16)]
    public async Task A_day_is_priced_by_its_local_hours_and_its_peak(string from, string to, int nightHours, int dayHours)
    {
        var city = await CityAsync();
        var tariff = await TariffApiTests.CreateAsync(city, Tariffs, TimeOfUse);
        var hall = await city.CreateBuildingAsync("Hall", "Europe/Berlin", new { tariffId = tariff });
        await city.CreateSensorAsync(hall, externalId: "m", more: new { intervalSeconds = 3600 });
        await city.IngestAsync("m", Hours(At(from), nightHours + dayHours).Select(at => (at, 2.0)));

        var answer = await GetAsync(city, $"{Energy}?buildingId={hall}&from={from}&to={to}&resolution=1h");
        var totals = answer.GetProperty("totals");
        var energyCost = (nightHours * 2 * 0.10m) + (dayHours * 2 * 0.30m);
        totals.GetProperty("energyCost").GetDecimal().ShouldBe(energyCost);
        totals.GetProperty("demandCost").GetDecimal().ShouldBe(10m);
        totals.GetProperty("cost").GetDecimal().ShouldBe(energyCost + 10m);
        totals.GetProperty("currency").GetString().ShouldBe("EUR");
        answer.GetProperty("items").EnumerateArray().Sum(i => i.GetProperty("cost").GetDecimal()).ShouldBe(energyCost);

        var explanation = await GetAsync(city, $"{Energy}/explain?buildingId={hall}&from={from}&to={to}&resolution=1h");
        explanation.GetProperty("figure").GetRawText().ShouldBe(answer.GetRawText());
        var meter = explanation.GetProperty("meters").EnumerateArray().ShouldHaveSingleItem();
        meter.GetProperty("readingsRead").GetInt32().ShouldBe(nightHours + dayHours);
        meter.GetProperty("steps").GetInt32().ShouldBe(nightHours + dayHours);
        var applied = explanation.GetProperty("tariffs").EnumerateArray().ShouldHaveSingleItem();
        applied.GetProperty("version").GetInt32().ShouldBe(1);
        applied.GetProperty("tariffId").GetGuid().ShouldBe(tariff);
        applied.GetProperty("rates").EnumerateArray().Sum(r => r.GetProperty("cost").GetDecimal()).ShouldBe(energyCost);
        applied.GetProperty("rates").EnumerateArray().Sum(r => (decimal)r.GetProperty("kwh").GetDouble() * r.GetProperty("rate").GetProperty("pricePerKwh").GetDecimal())
            .ShouldBe(energyCost);
        applied.GetProperty("demand")[0].GetProperty("peakKw").GetDouble().ShouldBe(2, 1e-9);
    }

    [Fact]
    public async Task A_past_period_can_be_priced_again()
    {
        var city = await CityAsync();
        var tariff = await TariffApiTests.CreateAsync(city, Tariffs, """
            {"name":"T","currency":"EUR","validFrom":"2026-03-02","energyRates":[{"pricePerKwh":0.50}],
             "earlierVersions":[{"validFrom":"2026-03-01","energyRates":[{"pricePerKwh":0.20}]}]}
            """);
        var cheap = await TariffApiTests.CreateAsync(city, Tariffs, """{"name":"C","currency":"GBP","energyRates":[{"pricePerKwh":0.01}]}""");
        var hall = await city.CreateBuildingAsync("Hall", "UTC", new { tariffId = tariff });
        await city.CreateSensorAsync(hall, externalId: "m", more: new { intervalSeconds = 3600 });
        await city.IngestAsync("m", Hours(At("2026-02-28T00:00:00Z"), 72).Select(at => (at, 1.0)));

        (await CostAsync("from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z")).ShouldBe((24 * 0.2m + 24 * 0.5m, "EUR"));
        (await CostAsync("from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z&tariffAsOf=2026-03-01")).ShouldBe((48 * 0.2m, "EUR"));
        (await CostAsync("from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z&tariffAsOf=2030-01-01")).ShouldBe((48 * 0.5m, "EUR"));
        (await CostAsync($"from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z&tariffId={cheap}")).ShouldBe((0.48m, "GBP"));
        // The day before the first version has no price: no false total, and the days that have one keep it.
        var partly = await GetAsync(city, $"{Energy}?buildingId={hall}&from=2026-02-28T00:00:00Z&to=2026-03-02T00:00:00Z");
        partly.GetProperty("totals").GetProperty("cost").ValueKind.ShouldBe(JsonValueKind.Null);
        partly.GetProperty("totals").GetProperty("notes").GetProperty("cost").GetString()!.ShouldContain("24 kWh");
        partly.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("cost").ValueKind).ShouldBe([JsonValueKind.Null, JsonValueKind.Number]);
        await (await city.Client.GetAsync($"{Energy}?tariffId={Guid.CreateVersion7()}")).ReadProblemAsync(HttpStatusCode.NotFound);
        await (await city.Client.GetAsync($"{Energy}?tariffAsOf=yesterday")).ReadProblemAsync(HttpStatusCode.BadRequest);

        async Task<(decimal, string?)> CostAsync(string query)
        {
            var totals = (await GetAsync(city, $"{Energy}?buildingId={hall}&{query}")).GetProperty("totals");
            return (totals.GetProperty("cost").GetDecimal(), totals.GetProperty("currency").GetString());
        }
    }

    [Fact]
    public async Task Currencies_are_not_added_up_and_the_ranking_by_cost_keeps_them_apart()
    {
        var city = await CityAsync();
        var eur = await TariffApiTests.CreateAsync(city, Tariffs, """{"name":"E","currency":"EUR","energyRates":[{"pricePerKwh":0.30}]}""");
        var usd = await TariffApiTests.CreateAsync(city, Tariffs, """{"name":"U","currency":"USD","carrier":"electricity","energyRates":[{"pricePerKwh":9}]}""");
        foreach (var (name, tariff, kWh) in new[] { ("A", eur, 1.0), ("B", eur, 3.0), ("C", usd, 5.0) })
        {
            var building = await city.CreateBuildingAsync(name, "UTC", new { tariffId = tariff });
            await city.CreateSensorAsync(building, externalId: name, more: new { intervalSeconds = 3600 });
            await city.IngestAsync(name, (At("2026-03-01T00:00:00Z"), kWh));
        }

        await city.CreateSensorAsync(await city.CreateBuildingAsync("D", "UTC"), externalId: "D", more: new { intervalSeconds = 3600 });
        await city.IngestAsync("D", (At("2026-03-01T00:00:00Z"), 1.0));
        const string Period = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z";
        var totals = (await GetAsync(city, $"{Energy}?{Period}")).GetProperty("totals");
        totals.GetProperty("cost").ValueKind.ShouldBe(JsonValueKind.Null);
        totals.GetProperty("currency").ValueKind.ShouldBe(JsonValueKind.Null);
        totals.GetProperty("notes").GetProperty("cost").GetString()!.ShouldContain("currencies");

        var ranking = await GetAsync(city, $"{Energy}/ranking?metric=cost&{Period}");
        ranking.GetProperty("unit").GetString().ShouldBe("EUR");
        ranking.GetProperty("items").EnumerateArray().Select(i => (i.GetProperty("name").GetString(), Number(i, "rank"), Number(i, "value"), Number(i, "cost")))
            .ShouldBe([("B", 1, 0.9, 0.9), ("A", 2, 0.3, 0.3), ("C", null, null, 45), ("D", null, null, null)]);

        // Gas is no matter of a tariff for electricity.
        var gas = await city.CreateBuildingAsync("G", "UTC", new { tariffId = usd });
        await city.CreateSensorAsync(gas, "gas_energy", "G", new { intervalSeconds = 3600 });
        await city.IngestAsync("G", (At("2026-03-01T00:00:00Z"), 1.0));
        (await GetAsync(city, $"{Energy}?buildingId={gas}&{Period}")).GetProperty("totals").GetProperty("cost").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task Emissions_follow_the_regions_factor_of_year_carrier_and_method_and_say_which()
    {
        var city = await CityAsync();
        foreach (var (year, method, kg) in new[] { (2025, "location", 0.4), (2026, "location", 0.3), (2026, "market", 0.1) })
        {
            await TariffApiTests.CreateAsync(city, Factors, JsonSerializer.Serialize(new { region = "DE", year, method, source = "UBA", kgPerKwh = kg }));
        }

        var hall = await city.CreateBuildingAsync("Hall", "Europe/Berlin", new { emissionRegion = "DE" });
        await city.CreateSensorAsync(hall, externalId: "m", more: new { intervalSeconds = 3600 });
        // Midnight in Berlin is 23:00Z: half of these hours are of each year.
        await city.IngestAsync("m", Hours(At("2025-12-31T11:00:00Z"), 24).Select(at => (at, 1.0)));
        const string Period = "from=2025-12-31T11:00:00Z&to=2026-01-01T11:00:00Z";
        var answer = await GetAsync(city, $"{Energy}?buildingId={hall}&{Period}");
        answer.GetProperty("totals").GetProperty("co2Kg").GetDouble().ShouldBe((12 * 0.4) + (12 * 0.3), 1e-9);
        answer.GetProperty("items").EnumerateArray().Select(i => Math.Round(i.GetProperty("co2Kg").GetDouble(), 9)).ShouldBe([4.8, 3.6]);
        answer.GetProperty("totals").GetProperty("co2Factors").EnumerateArray()
            .Select(f => (f.GetProperty("origin").GetString(), Number(f, "year"), Math.Round(f.GetProperty("kwh").GetDouble(), 9))).ShouldBe([("factor", 2025, 12), ("factor", 2026, 12)]);

        // The market's factor of 2025 is missing: no default takes its place.
        var market = await GetAsync(city, $"{Energy}?buildingId={hall}&co2Method=market&{Period}");
        market.GetProperty("totals").GetProperty("co2Kg").ValueKind.ShouldBe(JsonValueKind.Null);
        market.GetProperty("items").EnumerateArray().Select(i => Number(i, "co2Kg")).ShouldBe([null, 1.2]);
        // Nor does electricity's factor weigh gas.
        await city.CreateSensorAsync(hall, "gas_energy", "g", new { intervalSeconds = 3600 });
        await city.IngestAsync("g", (At("2026-01-01T00:00:00Z"), 1.0));
        (await GetAsync(city, $"{Energy}?buildingId={hall}&{Period}")).GetProperty("totals").GetProperty("co2Kg").ValueKind.ShouldBe(JsonValueKind.Null);

        // The building's own factor goes before all.
        using var patch = new HttpRequestMessage(HttpMethod.Patch, $"/api/v1/citypulse/buildings/{hall}")
        {
            Content = new StringContent("""{"carbonIntensityKgPerKwh":0.05}""", System.Text.Encoding.UTF8, "application/merge-patch+json"),
            Headers = { { "If-Match", "*" } },
        };
        (await city.Client.SendAsync(patch)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var own = (await GetAsync(city, $"{Energy}?buildingId={hall}&{Period}")).GetProperty("totals");
        own.GetProperty("co2Kg").GetDouble().ShouldBe(25 * 0.05, 1e-9);
        own.GetProperty("co2Factors").EnumerateArray().ShouldHaveSingleItem().GetProperty("origin").GetString().ShouldBe("building");
    }

    [Fact]
    public async Task A_period_is_compared_with_the_one_before_and_a_year_ago()
    {
        var city = await CityAsync();
        var tariff = await TariffApiTests.CreateAsync(city, Tariffs, """{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":0.5}]}""");
        var hall = await city.CreateBuildingAsync("Hall", "Europe/Berlin", new { tariffId = tariff, carbonIntensityKgPerKwh = 0.2 });
        await city.CreateSensorAsync(hall, externalId: "m", more: new { intervalSeconds = 3600 });
        await city.IngestAsync("m", [
            .. Hours(At("2026-03-22T23:00:00Z"), 167).Select(at => (at, 1.0)), .. Hours(At("2026-03-29T22:00:00Z"), 168).Select(at => (at, 1.5)),
            .. Hours(At("2025-03-29T23:00:00Z"), 200).Select(at => (at, 3.0))]);
        const string Week = "from=2026-03-29T22:00:00Z&to=2026-04-05T22:00:00Z";
        var previous = await GetAsync(city, $"{Energy}/compare?buildingId={hall}&{Week}");
        previous.GetProperty("with").GetString().ShouldBe("previous");
        previous.GetProperty("previous").GetProperty("from").GetString().ShouldBe("2026-03-22T23:00:00Z");
        previous.GetProperty("previous").GetProperty("totals").GetProperty("kwh").GetDouble().ShouldBe(167, 1e-9);
        var change = previous.GetProperty("change");
        change.GetProperty("kwh").GetDouble().ShouldBe(252 - 167, 1e-9);
        change.GetProperty("kwhPercent").GetDouble().ShouldBe(100 * 85 / 167.0, 1e-9);
        change.GetProperty("cost").GetDecimal().ShouldBe(42.5m);
        change.GetProperty("co2Kg").GetDouble().ShouldBe(17, 1e-9);
        change.GetProperty("peakKw").GetDouble().ShouldBe(0.5, 1e-9);
        previous.GetProperty("notes").GetProperty("hours").GetString()!.ShouldContain("167");

        var year = await GetAsync(city, $"{Energy}/compare?with=lastYear&resolution=1h&{Week}");
        year.GetProperty("previous").GetProperty("from").GetString().ShouldBe("2025-03-29T23:00:00Z");
        year.GetProperty("change").GetProperty("kwh").GetDouble().ShouldBe(252 - (167 * 3), 1e-9);
        year.GetProperty("current").GetProperty("items").GetArrayLength().ShouldBe(168);

        await (await city.Client.GetAsync($"{Energy}/compare?with=tomorrow")).ReadProblemAsync(HttpStatusCode.BadRequest);
        await (await city.Client.GetAsync($"{Energy}/compare?buildingId={Guid.CreateVersion7()}")).ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task An_explanation_tells_what_was_left_out()
    {
        var city = await CityAsync();
        var hall = await city.CreateBuildingAsync("Hall", "UTC");
        await city.CreateSensorAsync(hall, externalId: "main", more: new { intervalSeconds = 3600, ratedPowerKw = 10.0 });
        var sub = await city.CreateSensorAsync(hall, externalId: "sub", more: new { intervalSeconds = 3600, submeter = true });
        await city.IngestAsync("main", (At("2026-03-01T00:00:00Z"), 4.0), (At("2026-03-01T01:00:00Z"), 11.0), (At("2026-03-01T02:00:00Z"), -1.0), (At("2026-03-01T03:00:00Z"), 1e300));
        await city.IngestAsync("sub", (At("2026-03-01T00:00:00Z"), 2.0));
        var explanation = await GetAsync(city, $"{Energy}/explain?from=2026-03-01T00:00:00Z&to=2026-03-01T04:00:00Z");
        explanation.GetProperty("figure").GetProperty("totals").GetProperty("kwh").GetDouble().ShouldBe(4);
        var meter = explanation.GetProperty("meters").EnumerateArray().ShouldHaveSingleItem();
        meter.GetProperty("readingsRead").GetInt32().ShouldBe(3);
        meter.GetProperty("heldReadings").GetInt32().ShouldBe(1);
        meter.GetProperty("steps").GetInt32().ShouldBe(1);
        meter.GetProperty("quarantined").GetInt32().ShouldBe(2);
        meter.GetProperty("quarantinedSteps").EnumerateArray().Select(s => s.GetProperty("from").GetString())
            .ShouldBe(["2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z"]);
        var leftOut = explanation.GetProperty("leftOut").EnumerateArray().ShouldHaveSingleItem();
        leftOut.GetProperty("sensorId").GetGuid().ShouldBe(sub);
        leftOut.GetProperty("reason").GetString()!.ShouldContain("submeter");
    }

    [Fact]
    public async Task The_order_in_which_readings_arrive_changes_nothing()
    {
        var city = await CityAsync();
        var random = new Random(3);
        var at = At("2026-03-01T00:00:00Z");
        var register = 900.0;
        var readings = Enumerable.Range(0, 400).Select(_ =>
        {
            at = at.AddMinutes(random.Next(1, 90));
            register = random.Next(50) == 0 ? 0 : (register + random.NextDouble()) % 1000;
            return (at, random.Next(30) == 0 ? 0 : register);
        }).ToList();
        var answers = new List<string>();
        foreach (var (name, order) in new[] { ("forth", readings), ("mixed", [.. readings.OrderBy(_ => random.Next())]) })
        {
            var building = await city.CreateBuildingAsync(name, "Europe/Berlin");
            await city.CreateSensorAsync(building, externalId: name, more: new { kind = "counter", intervalSeconds = 3600, registerMaximum = 1000.0 });
            foreach (var batch in order.Chunk(37))
            {
                await city.IngestAsync(name, batch);
            }

            answers.Add((await GetAsync(city, $"{Energy}?buildingId={building}&from=2026-03-01T00:00:00Z&to=2026-03-12T00:00:00Z&resolution=15m")).GetProperty("items").GetRawText());
        }

        answers[1].ShouldBe(answers[0]);
    }

    private async Task<City> CityAsync() => await City.RegisterAsync(fixture.Api.CreateClient());

    private static IEnumerable<DateTimeOffset> Hours(DateTimeOffset from, int count) => Enumerable.Range(0, count).Select(h => from.AddHours(h));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    private static double? Number(JsonElement element, string member) =>
        element.GetProperty(member) is { ValueKind: JsonValueKind.Number } number ? Math.Round(number.GetDouble(), 9) : null;

    private static async Task<JsonElement> GetAsync(City city, string path)
    {
        using var response = await city.Client.GetAsync(path);
        return await response.ReadAsync(HttpStatusCode.OK);
    }
}
