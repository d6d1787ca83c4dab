using System.Globalization;
using System.Net;
using System.Text.Json;
using CityPulse.Tests.AiGateway;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Energy;

/// <summary>One real Api for the tests of this class; every test has a city of its own.</summary>
public sealed class EnergyApiFixture(TestStores stores) : IAsyncLifetime
{
    internal ApiHost Api { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Api = await stores.SharedAsync(
        nameof(EnergyApiFixture), () => ApiHost.StartAsync(stores, settings: [new("RATE_LIMITING_ENABLED", "false"), new("Energy:GasKWhPerM3", "11")]));

    /// <summary>The shared Api ends with the run.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>Energy over HTTP from readings in a real database.</summary>
public sealed class EnergyApiTests(TestStores stores, EnergyApiFixture fixture) : IClassFixture<EnergyApiFixture>
{
    private const string Energy = "/api/v1/citypulse/energy";
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ApiHost _api = fixture.Api;

    [Fact]
    public async Task A_building_adds_up_its_meters_by_day_and_leaves_submeters_out()
    {
        var city = await City.RegisterAsync(_api.CreateClient());
        var hall = await city.CreateBuildingAsync("Hall", "Europe/Berlin", new { carbonIntensityKgPerKwh = 0.5 });
        await city.CreateSensorAsync(hall, "electric_energy", "d", new { kind = "delta", unit = "Wh", intervalSeconds = 3600 });
        await city.CreateSensorAsync(hall, "gas_volume", "g", new { kind = "counter", unit = "m3", intervalSeconds = 3600 });
        await city.CreateSensorAsync(hall, "electric_power", "p", new { kind = "gauge", unit = "kW", intervalSeconds = 3600 });
        await city.CreateSensorAsync(hall, "electric_energy", "s", new { kind = "delta", unit = "kWh", intervalSeconds = 3600, submeter = true });
        // Three local days around the loss of an hour on 29 March.
        var from = new DateTimeOffset(2026, 3, 28, 0, 0, 0, TimeSpan.FromHours(1));
        await city.IngestAsync("d", Hours(from, 72).Select(at => (at, 1000.0)));
        await city.IngestAsync("g", Hours(from, 73).Select((at, i) => (at, 100.0 + i)));
        await city.IngestAsync("p", Hours(from, 73).Select(at => (at, 2.0)));
        await city.IngestAsync("s", Hours(from, 72).Select(at => (at, 500.0)));

        var answer = await GetAsync(city, $"{Energy}?buildingId={hall}&from=2026-03-27T23:00:00Z&to=2026-03-30T22:00:00Z&resolution=1d");
        var totals = answer.GetProperty("totals");
        totals.GetProperty("kwh").GetDouble().ShouldBe(71 * (1 + 11 + 2), 1e-6);
        totals.GetProperty("co2Kg").GetDouble().ShouldBe(71 * 14 * 0.5, 1e-6);
        totals.GetProperty("peakKw").GetDouble().ShouldBe(14, 1e-6);
        totals.GetProperty("loadFactor").GetDouble().ShouldBe(1, 1e-6);
        totals.GetProperty("coverage").GetDouble().ShouldBe(1, 1e-9);
        totals.GetProperty("cost").ValueKind.ShouldBe(JsonValueKind.Null);
        totals.GetProperty("method").GetString().ShouldBe("mixed");
        totals.GetProperty("meters").GetInt32().ShouldBe(3);
        totals.GetProperty("euiKwhPerM2Year").GetDouble().ShouldBe(14 * 8760 / 1000.0, 1e-6);
        answer.GetProperty("items").EnumerateArray().Select(i => (i.GetProperty("at").GetString(), Math.Round(i.GetProperty("kwh").GetDouble(), 6))).ShouldBe(
            [("2026-03-27T23:00:00Z", 24 * 14.0), ("2026-03-28T23:00:00Z", 23 * 14.0), ("2026-03-29T22:00:00Z", 24 * 14.0)]);

        (await GetAsync(city, $"{Energy}?buildingId={hall}&from=2026-03-28T00:00:00Z&to=2026-03-29T00:00:00Z&carrier=gas"))
            .GetProperty("totals").GetProperty("kwh").GetDouble().ShouldBe(24 * 11, 1e-6);
    }

    [Fact]
    public async Task Edges_see_the_readings_beyond_them()
    {
        var city = await City.RegisterAsync(_api.CreateClient());
        var hall = await city.CreateBuildingAsync();
        await city.CreateSensorAsync(hall, "electric_energy", "c", new { kind = "counter", unit = "kWh", intervalSeconds = 3600 });
        // A register read every hour, with an outage of zeros around 12:00, a dip at 20:00 and a long gap over midnight.
        var values = Enumerable.Range(0, 24).Select(h => (Start.AddHours(h), h switch { 11 or 12 or 13 => 0.0, 20 => 1018.0, _ => 1000.0 + h })).ToList();
        await city.IngestAsync("c", [.. values, (Start.AddHours(33), 1033.0)]);

        double[] cuts = [0, 5.5, 11.5, 12, 12.25, 13.5, 19.5, 20, 20.5, 23.5, 28, 33];
        var sum = 0.0;
        foreach (var (a, b) in cuts.Zip(cuts.Skip(1)))
        {
            var kwh = await KwhAsync(a, b);
            kwh.ShouldBe(b - a, 1e-6, $"{a}..{b}");
            sum += kwh;
        }

        sum.ShouldBe(await KwhAsync(0, 33), 1e-6);

        async Task<double> KwhAsync(double a, double b) =>
            (await GetAsync(city, $"{Energy}?buildingId={hall}&from={Time(Start.AddHours(a))}&to={Time(Start.AddHours(b))}")).GetProperty("totals").GetProperty("kwh").GetDouble();
    }

    [Fact]
    public async Task A_reading_of_bad_quality_is_missing()
    {
        var city = await City.RegisterAsync(_api.CreateClient());
        var hall = await city.CreateBuildingAsync();
        await city.CreateSensorAsync(hall, externalId: "q", more: new { intervalSeconds = 3600 });
        using var csv = new StringContent("sensor,at,value,quality\nq,2026-03-01T00:00:00Z,1,good\nq,2026-03-01T01:00:00Z,999,bad\n", System.Text.Encoding.UTF8, "text/csv");
        await (await city.Client.PostAsync("/api/v1/citypulse/sensors/readings", csv)).ReadAsync(HttpStatusCode.OK);
        var totals = (await GetAsync(city, $"{Energy}?from=2026-03-01T00:00:00Z&to=2026-03-01T02:00:00Z")).GetProperty("totals");
        totals.GetProperty("kwh").GetDouble().ShouldBe(1);
        totals.GetProperty("coverage").GetDouble().ShouldBe(0.5);
    }

    [Fact]
    public async Task The_ranking_is_worst_first_and_tells_of_whom_nothing_is_known()
    {
        var city = await City.RegisterAsync(_api.CreateClient());
        var small = await city.CreateBuildingAsync("Small", more: new { floorAreaM2 = 10.0, carbonIntensityKgPerKwh = 0.1 });
        var large = await city.CreateBuildingAsync("Large", more: new { floorAreaM2 = 1000.0, carbonIntensityKgPerKwh = 0.4 });
        var empty = await city.CreateBuildingAsync("Empty");
        await city.CreateSensorAsync(small, externalId: "a", more: new { intervalSeconds = 3600 });
        await city.CreateSensorAsync(large, externalId: "b", more: new { intervalSeconds = 3600 });
        await city.IngestAsync("a", Hours(Start, 24).Select(at => (at, 1.0)));
        await city.IngestAsync("b", Hours(Start, 24).Select(at => (at, 10.0)));

        var period = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z";
        (await Order("kwh")).ShouldBe([("Large", 240), ("Small", 24), ("Empty", null)]);
        (await Order("co2")).ShouldBe([("Large", 96), ("Small", 2.4), ("Empty", null)]);
        (await Order("eui")).ShouldBe([("Small", 876), ("Large", 87.6), ("Empty", null)]);
        await (await city.Client.GetAsync($"{Energy}/ranking?metric=price&{period}")).ReadProblemAsync(HttpStatusCode.BadRequest);
        empty.ShouldNotBe(Guid.Empty);

        var portfolio = (await GetAsync(city, $"{Energy}?{period}")).GetProperty("totals");
        portfolio.GetProperty("kwh").GetDouble().ShouldBe(264, 1e-9);
        portfolio.GetProperty("co2Kg").GetDouble().ShouldBe(98.4, 1e-9);

        async Task<List<(string?, double?)>> Order(string metric) => [.. (await GetAsync(city, $"{Energy}/ranking?metric={metric}&{period}"))
            .GetProperty("items").EnumerateArray().Select(i => (
                i.GetProperty("name").GetString(),
                i.GetProperty("rank").ValueKind == JsonValueKind.Null ? (double?)null : Math.Round(i.GetProperty("value").GetDouble(), 6)))];
    }

    [Fact]
    public async Task No_data_is_zero_with_coverage_zero()
    {
        var city = await City.RegisterAsync(_api.CreateClient());
        var hall = await city.CreateBuildingAsync();
        await city.CreateSensorAsync(hall, externalId: "none");
        var totals = (await GetAsync(city, $"{Energy}?buildingId={hall}")).GetProperty("totals");
        totals.GetProperty("kwh").GetDouble().ShouldBe(0);
        totals.GetProperty("coverage").GetDouble().ShouldBe(0);
        totals.GetProperty("peakKw").ValueKind.ShouldBe(JsonValueKind.Null);
        (await GetAsync(city, Energy)).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Theory]
    [InlineData("from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from")]
    [InlineData("from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z", "from")]
    [InlineData("from=2026-03-01&to=2026-03-02", "to")]
    [InlineData("from=2026-03-01T00:00:00&to=2026-03-02T00:00:00Z", "from")]
    [InlineData("to=yesterday", "to")]
    [InlineData("resolution=1m", "resolution")]
    [InlineData("carrier=steam", "carrier")]
    [InlineData("from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z&resolution=15m", "from")]
    public async Task A_bad_question_is_refused(string query, string path)
    {
        var city = await City.RegisterAsync(_api.CreateClient());
        var problem = await (await city.Client.GetAsync($"{Energy}?{query}")).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").TryGetProperty(path, out _).ShouldBeTrue(problem.ToString());
    }

    [Fact]
    public async Task Anothers_building_is_not_found()
    {
        var city = await City.RegisterAsync(_api.CreateClient());
        var stranger = await City.RegisterAsync(_api.CreateClient());
        var hall = await city.CreateBuildingAsync();
        await (await stranger.Client.GetAsync($"{Energy}?buildingId={hall}")).ReadProblemAsync(HttpStatusCode.NotFound);
        using var anonymous = _api.CreateClient();
        await (await anonymous.GetAsync(Energy)).ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task The_assistant_names_the_building_and_the_figure_that_SQL_gives()
    {
        var city = await City.RegisterAsync(_api.CreateClient());
        var random = new Random(11);
        var today = TimeProvider.System.GetUtcNow();
        var from = new DateTimeOffset(today.Year, today.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(-1);
        foreach (var name in new[] { "Alpha", "Beta", "Gamma" })
        {
            var building = await city.CreateBuildingAsync(name, "Europe/Berlin");
            await city.CreateSensorAsync(building, externalId: name, more: new { intervalSeconds = 3600 });
            await city.IngestAsync(name, Hours(from.AddDays(-1), 32 * 24).Where(at => at < today).Select(at => (at, Math.Round(random.NextDouble() * 10, 3))));
        }

        await using var gateway = await GatewayHost.StartAsync(stores, _api.BaseAddress, tokens: null, internalApi: _api.InternalAddress);
        using var client = gateway.CreateClient(city.AccessToken);
        using var response = await client.AskAsync("Which building used the most energy last month?");
        var answer = await response.ReadAsync(HttpStatusCode.OK);

        await using var source = NpgsqlDataSource.Create(_api.ConnectionString);
        await using var command = source.CreateCommand("""
            select b.name, sum(r.value) from readings r join sensors s on s.key = r.sensor_key join buildings b on b.id = s.building_id
            where b.organization_id = $1
              and r.observed_at >= (date_trunc('month', now() at time zone 'Europe/Berlin') - interval '1 month') at time zone 'Europe/Berlin'
              and r.observed_at < date_trunc('month', now() at time zone 'Europe/Berlin') at time zone 'Europe/Berlin'
            group by b.name order by 2 desc limit 1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = city.OrganizationId });
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        answer.GetProperty("message").GetProperty("content").GetString()!.ShouldStartWith(
            string.Create(CultureInfo.InvariantCulture, $"{reader.GetString(0)} used the most energy"));
        answer.GetProperty("message").GetProperty("content").GetString()!.ShouldContain(
            string.Create(CultureInfo.InvariantCulture, $": {reader.GetDouble(1):0.##} kWh."));
    }

    private static IEnumerable<DateTimeOffset> Hours(DateTimeOffset from, int count) => Enumerable.Range(0, count).Select(h => from.AddHours(h));

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static async Task<JsonElement> GetAsync(City city, string path)
    {
        using var response = await city.Client.GetAsync(path);
        return await response.ReadAsync(HttpStatusCode.OK);
    }
}
