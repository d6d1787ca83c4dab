using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api;

/// <summary>The same bad request gets the same clear refusal in Development and in Production, and leaves nothing behind.</summary>
public sealed class BadInputTests(TestStores stores)
{
    private const string Readings = "/api/v1/citypulse/sensors/readings";

    public static TheoryData<string> Environments => ["Development", "Production"];

    [Theory, MemberData(nameof(Environments))]
    public async Task Bodies_that_cannot_be_read_are_400_and_name_what_is_wrong(string environment)
    {
        var host = await StartAsync(environment);
        var city = await City.RegisterAsync(host.CreateClient());
        var building = await city.CreateBuildingAsync();

        foreach (var (path, body, named) in new[]
        {
            ("/api/v1/citypulse/buildings", "{ \"name\": ", "not valid JSON"),
            ("/api/v1/citypulse/buildings", """{ "name": "A", "use": "office", "timeZone": "Europe/Berlin", "floorAreaM2": "many" }""", "floorAreaM2"),
            ("/api/v1/citypulse/buildings", """{ "name": "A", "use": "office", "timeZone": "Europe/Berlin", "floorAreaM2": "100" }""", "floorAreaM2"),
            ("/api/v1/citypulse/buildings", """{ "name": "A", "use": "office", "timeZone": "Europe/Berlin", "floorAreaM2": 100, "colour": "red" }""", "colour"),
            ("/api/v1/citypulse/buildings", """{ "name": "A", "use": "castle", "timeZone": "Europe/Berlin", "floorAreaM2": 100 }""", "use"),
            ("/api/v1/citypulse/buildings", """{ "name": "A", "use": "office", "timeZone": "Europe/Atlantis", "floorAreaM2": 100 }""", "timeZone"),
            ("/api/v1/citypulse/sensors", $$"""{ "buildingId": "{{building}}", "name": "A", "quantity": "electric_energy", "unit": "Cel" }""", "unit"),
            (Readings, """{ "readings": [ { "sensor": "m", "at": """, "JSON"),
            (Readings, """{ "readings": [ { "sensor": "m", "at": "2026-01-01T00:00:00Z", "value": 1, "colour": "red" } ] }""", "colour"),
        })
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await city.Client.PostAsync(path, content, TestContext.Current.CancellationToken);
            var problem = await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
            problem.GetProperty("errors").ToString().ShouldContain(named, Case.Insensitive, $"for {body}");
        }

        (await CountAsync(host, city, "buildings")).ShouldBe(1);
        (await CountAsync(host, city, "sensors")).ShouldBe(0);
        (await CountAsync(host, city, "readings")).ShouldBe(0);
    }

    [Theory, MemberData(nameof(Environments))]
    public async Task Bad_rows_are_reported_by_index_and_never_stop_good_ones(string environment)
    {
        var host = await StartAsync(environment);
        var city = await City.RegisterAsync(host.CreateClient());
        var stranger = await City.RegisterAsync(host.CreateClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), externalId: "meter");
        await stranger.CreateSensorAsync(await stranger.CreateBuildingAsync(), externalId: "foreign");

        var future = TimeProvider.System.GetUtcNow().AddDays(1).ToString("O");
        using var content = new StringContent(
            "sensor,at,value\n"
            + "meter,2026-01-01T00:00:00Z,1.5\n"
            + "unknown,2026-01-01T00:00:00Z,1\n"
            + "foreign,2026-01-01T00:00:00Z,1\n"
            + "meter,2026-01-01T01:00:00Z,NaN\n"
            + $"meter,{future},1\n"
            + "meter,1999-12-31T23:59:59Z,1\n"
            + "meter,2026-01-01T02:00:00,1\n", Encoding.UTF8, "text/csv");
        using var answer = await city.Client.PostAsync(Readings, content, TestContext.Current.CancellationToken);
        var result = await answer.ReadAsync(HttpStatusCode.OK);

        result.GetProperty("accepted").GetInt32().ShouldBe(1);
        result.GetProperty("rejected").GetInt32().ShouldBe(6);
        var errors = result.GetProperty("errors").EnumerateArray().ToArray();
        errors.Select(e => e.GetProperty("index").GetInt32()).ShouldBe([1, 2, 3, 4, 5, 6]);
        Error(1).GetProperty("code").GetString().ShouldBe(Error(2).GetProperty("code").GetString());
        Error(1).GetProperty("detail").GetString()!.Replace("unknown", "foreign", StringComparison.Ordinal)
            .ShouldBe(Error(2).GetProperty("detail").GetString(), "a foreign sensor reads exactly like an unknown one");
        (await CountAsync(host, city, "readings")).ShouldBe(1);

        JsonElement Error(int index) => errors.Single(e => e.GetProperty("index").GetInt32() == index);
    }

    [Theory, MemberData(nameof(Environments))]
    public async Task A_body_of_100_MB_is_413_and_the_next_request_is_served(string environment)
    {
        var host = await StartAsync(environment);
        var city = await City.RegisterAsync(host.CreateClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), externalId: "meter");

        using var content = new EndlessReadings(100_000_000);
        using var request = new HttpRequestMessage(HttpMethod.Post, Readings) { Content = content };
        request.Headers.ExpectContinue = true;
        using var answer = await city.Client.SendAsync(request, TestContext.Current.CancellationToken);
        await answer.ReadProblemAsync(HttpStatusCode.RequestEntityTooLarge);

        (await CountAsync(host, city, "readings")).ShouldBe(0);
        (await city.IngestAsync("meter", (new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 1))).GetProperty("accepted").GetInt32().ShouldBe(1);
    }

    [Theory, MemberData(nameof(Environments))]
    public async Task What_belongs_to_others_does_not_exist(string environment)
    {
        var host = await StartAsync(environment);
        var city = await City.RegisterAsync(host.CreateClient());
        var stranger = await City.RegisterAsync(host.CreateClient());
        var building = await stranger.CreateBuildingAsync();
        var sensor = await stranger.CreateSensorAsync(building);

        foreach (var path in new[]
        {
            $"buildings/{building}", $"buildings/{building}/sensors", $"buildings/{building}/summary", $"sensors/{sensor}", $"sensors/{sensor}/readings",
        })
        {
            using var foreign = await city.Client.GetAsync($"/api/v1/citypulse/{path}", TestContext.Current.CancellationToken);
            var refused = await foreign.ReadProblemAsync(HttpStatusCode.NotFound);
            var missingPath = path.Replace(building.ToString(), Guid.CreateVersion7().ToString(), StringComparison.Ordinal)
                .Replace(sensor.ToString(), Guid.CreateVersion7().ToString(), StringComparison.Ordinal);
            using var missing = await city.Client.GetAsync($"/api/v1/citypulse/{missingPath}", TestContext.Current.CancellationToken);
            refused.GetProperty("detail").GetString().ShouldBe((await missing.ReadProblemAsync(HttpStatusCode.NotFound)).GetProperty("detail").GetString());
        }
    }

    [Theory, MemberData(nameof(Environments))]
    public async Task Requests_that_never_reach_a_handler_get_problems_too(string environment)
    {
        var host = await StartAsync(environment);
        var city = await City.RegisterAsync(host.CreateClient());
        using var anonymous = host.CreateClient();

        using var unauthorized = await anonymous.GetAsync("/api/v1/citypulse/buildings", TestContext.Current.CancellationToken);
        await unauthorized.ReadProblemAsync(HttpStatusCode.Unauthorized);
        unauthorized.Headers.WwwAuthenticate.ShouldNotBeEmpty();

        using var nowhere = await city.Client.GetAsync("/api/v1/nowhere", TestContext.Current.CancellationToken);
        await nowhere.ReadProblemAsync(HttpStatusCode.NotFound);

        using var wrongMethod = await city.Client.DeleteAsync("/api/v1/citypulse/buildings", TestContext.Current.CancellationToken);
        await wrongMethod.ReadProblemAsync(HttpStatusCode.MethodNotAllowed);
        wrongMethod.Content.Headers.Allow.ShouldContain("GET");

        using var text = new StringContent("hello", Encoding.UTF8, "text/plain");
        using var wrongType = await city.Client.PostAsync("/api/v1/citypulse/buildings", text, TestContext.Current.CancellationToken);
        await wrongType.ReadProblemAsync(HttpStatusCode.UnsupportedMediaType);
    }

    [Theory, MemberData(nameof(Environments))]
    public async Task A_charset_other_than_UTF_8_is_415_whether_it_exists_or_not(string environment)
    {
        var host = await StartAsync(environment);
        var city = await City.RegisterAsync(host.CreateClient());
        foreach (var path in (string[])["/api/v1/citypulse/buildings", "/api/v1/auth/login", Readings])
        {
            foreach (var (charset, isGood) in new[] { ("nonsense", false), ("utf-16", false), ("\"x y\"", false), ("UTF-8", true), ("\"utf-8\"", true) })
            {
                using var content = new StringContent("[]", Encoding.UTF8);
                content.Headers.Remove("Content-Type");
                content.Headers.TryAddWithoutValidation("Content-Type", $"application/json; charset={charset}").ShouldBeTrue();
                using var answer = await city.Client.PostAsync(path, content, TestContext.Current.CancellationToken);
                await answer.ReadProblemAsync(isGood ? HttpStatusCode.BadRequest : HttpStatusCode.UnsupportedMediaType);
            }
        }
    }

    private Task<ApiHost> StartAsync(string environment) => stores.SharedAsync(
        $"{nameof(BadInputTests)} {environment}", () => ApiHost.StartAsync(stores, environment, [new("Auth:AllowRegistration", "true")]));

    private static async Task<long> CountAsync(ApiHost host, City city, string table)
    {
        var rows = table == "readings" ? "readings r JOIN sensors s ON s.key = r.sensor_key" : table;
        await using var connection = new NpgsqlConnection(host.ConnectionString);
        await connection.OpenAsync();
        await using var count = new NpgsqlCommand($"SELECT count(*) FROM {rows} WHERE organization_id = '{city.OrganizationId}'", connection);
        return (long)(await count.ExecuteScalarAsync())!;
    }

    /// <summary>A body of the stated size that is valid all along, so that only its size is wrong.</summary>
    private sealed class EndlessReadings : HttpContent
    {
        private static readonly byte[] Line = """{"sensor":"meter","at":"2026-01-01T00:00:00Z","value":1}"""u8.ToArray();
        private readonly long _bytes;

        public EndlessReadings(long bytes)
        {
            _bytes = bytes;
            Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var lines = Enumerable.Repeat<byte[]>([.. Line, (byte)'\n'], 1000).SelectMany(line => line).ToArray();
            for (var written = 0L; written < _bytes; written += lines.Length)
            {
                await stream.WriteAsync(lines);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
