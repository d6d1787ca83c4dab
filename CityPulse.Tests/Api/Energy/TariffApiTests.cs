using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Energy;

/// <summary>Tariffs and emission factors as resources, over HTTP.</summary>
public sealed class TariffApiTests(EnergyApiFixture fixture) : IClassFixture<EnergyApiFixture>
{
    private const string Tariffs = "/api/v1/citypulse/energy/tariffs";
    private const string Factors = "/api/v1/citypulse/energy/factors";
    private const string Simple = """{"name":"Flat","currency":"EUR","energyRates":[{"pricePerKwh":0.3}]}""";

    [Fact]
    public async Task A_tariff_is_created_read_changed_and_deleted()
    {
        var city = await CityAsync();
        using var created = await PostAsync(city, Tariffs, """
            {"name":"Time of use","currency":"EUR","carrier":"electricity","demandChargePerKw":4.50,"validFrom":"2026-01-01",
             "energyRates":[{"pricePerKwh":0.1234,"months":[12,1],"weekdays":["mon","Tuesday",3],"from":"22:00","to":"06:00"},{"pricePerKwh":0.30,"to":"24:00"}],
             "earlierVersions":[{"energyRates":[{"pricePerKwh":0.25}]}]}
            """);
        var tariff = await created.ReadAsync(HttpStatusCode.Created);
        var id = tariff.GetProperty("id").GetGuid();
        created.Headers.Location!.ToString().ShouldBe($"{Tariffs}/{id}");
        var etag = created.Headers.ETag!.ToString();
        tariff.GetProperty("energyRates").GetRawText().ShouldBe(
            """[{"pricePerKwh":0.1234,"months":[1,12],"weekdays":[1,2,3],"from":"22:00","to":"06:00"},{"pricePerKwh":0.30,"months":null,"weekdays":null,"from":null,"to":"24:00"}]""");
        tariff.GetProperty("earlierVersions")[0].GetProperty("validFrom").ValueKind.ShouldBe(JsonValueKind.Null);

        using var read = await city.Client.GetAsync($"{Tariffs}/{id}");
        (await read.ReadAsync(HttpStatusCode.OK)).GetRawText().ShouldBe(tariff.GetRawText());
        read.Headers.ETag!.ToString().ShouldBe(etag);
        using var again = await SendAsync(city, HttpMethod.Get, $"{Tariffs}/{id}", null, ("If-None-Match", etag));
        again.StatusCode.ShouldBe(HttpStatusCode.NotModified);

        await (await SendAsync(city, HttpMethod.Patch, $"{Tariffs}/{id}", """{"demandChargePerKw":null}""")).ReadProblemAsync(HttpStatusCode.PreconditionRequired);
        using var patched = await SendAsync(city, HttpMethod.Patch, $"{Tariffs}/{id}", """{"demandChargePerKw":null}""", ("If-Match", etag));
        var changed = await patched.ReadAsync(HttpStatusCode.OK);
        changed.GetProperty("demandChargePerKw").ValueKind.ShouldBe(JsonValueKind.Null);
        changed.GetProperty("version").GetInt32().ShouldBe(2);
        changed.GetProperty("energyRates").GetArrayLength().ShouldBe(2);
        await (await SendAsync(city, HttpMethod.Put, $"{Tariffs}/{id}", Simple, ("If-Match", etag))).ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        // What was read may be sent back as it is.
        using var put = await SendAsync(city, HttpMethod.Put, $"{Tariffs}/{id}", changed.GetRawText(), ("If-Match", patched.Headers.ETag!.ToString()));
        (await put.ReadAsync(HttpStatusCode.OK)).GetProperty("version").GetInt32().ShouldBe(2);

        await (await SendAsync(city, HttpMethod.Delete, $"{Tariffs}/{id}", null, ("If-Match", etag))).ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        (await SendAsync(city, HttpMethod.Delete, $"{Tariffs}/{id}", null)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await (await city.Client.GetAsync($"{Tariffs}/{id}")).ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("""{"currency":"EUR","energyRates":[{"pricePerKwh":1}]}""", "name")]
    [InlineData("""{"name":"T","energyRates":[{"pricePerKwh":1}]}""", "currency")]
    [InlineData("""{"name":"T","currency":"eur","energyRates":[{"pricePerKwh":1}]}""", "currency")]
    [InlineData("""{"name":"T","currency":"EUR"}""", "energyRates")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[]}""", "energyRates")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[null]}""", "energyRates[0]")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{}]}""", "energyRates[0].pricePerKwh")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":-0.01}]}""", "energyRates[0].pricePerKwh")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":"0.3"}]}""", "energyRates[0].pricePerKwh")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1e40}]}""", "energyRates[0].pricePerKwh")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"price":2}]}""", "energyRates[0].price")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"months":[0]}]}""", "energyRates[0].months")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"months":[13]}]}""", "energyRates[0].months")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"weekdays":[8]}]}""", "energyRates[0].weekdays")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"weekdays":["1"]}]}""", "energyRates[0].weekdays")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"weekdays":["funday"]}]}""", "energyRates[0].weekdays")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"from":"24:00"}]}""", "energyRates[0].from")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"from":"7:00"}]}""", "energyRates[0].from")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"to":"12:60"}]}""", "energyRates[0].to")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1,"from":"08:00","to":"08:00"}]}""", "energyRates[0].to")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1}],"demandChargePerKw":-1}""", "demandChargePerKw")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1}],"carrier":"steam"}""", "carrier")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1}],"validFrom":"2026-02-30"}""", "validFrom")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1}],"earlierVersions":[{"energyRates":[{"pricePerKwh":1}]}]}""", "validFrom")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1}],"validFrom":"2026-01-01","earlierVersions":[{"validFrom":"2025-01-01","energyRates":[]}]}""", "earlierVersions[0].energyRates")]
    [InlineData("""{"name":"T","currency":"EUR","energyRates":[{"pricePerKwh":1}],"wholesale":true}""", "wholesale")]
    public async Task A_tariff_that_is_none_is_refused_where_it_is_wrong(string body, string path)
    {
        var problem = await (await PostAsync(await CityAsync(), Tariffs, body)).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldContain(path, problem.ToString());
    }

    [Fact]
    public async Task Tariffs_are_listed_by_pages_and_created_once_a_key()
    {
        var city = await CityAsync();
        var ids = new List<Guid>();
        for (var i = 0; i < 3; i++)
        {
            ids.Add(await CreateAsync(city, Tariffs, Simple));
        }

        var page = await (await city.Client.GetAsync($"{Tariffs}?limit=2")).ReadAsync(HttpStatusCode.OK);
        var rest = await (await city.Client.GetAsync($"{Tariffs}?limit=2&cursor={page.GetProperty("nextCursor").GetString()}")).ReadAsync(HttpStatusCode.OK);
        new[] { page, rest }.SelectMany(p => p.GetProperty("items").EnumerateArray()).Select(t => t.GetProperty("id").GetGuid()).ShouldBe(ids);
        rest.GetProperty("nextCursor").ValueKind.ShouldBe(JsonValueKind.Null);
        await (await city.Client.GetAsync($"{Tariffs}?limit=0")).ReadProblemAsync(HttpStatusCode.BadRequest);

        using var first = await SendAsync(city, HttpMethod.Post, Tariffs, Simple, ("Idempotency-Key", "k"));
        using var second = await SendAsync(city, HttpMethod.Post, Tariffs, Simple, ("Idempotency-Key", "k"));
        (await second.Content.ReadAsStringAsync()).ShouldBe(await first.Content.ReadAsStringAsync());
        second.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
        using var other = await SendAsync(city, HttpMethod.Post, Tariffs, Simple.Replace("0.3", "0.4", StringComparison.Ordinal), ("Idempotency-Key", "k"));
        other.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task A_building_takes_its_organisations_tariffs_only_and_holds_them()
    {
        var (city, stranger) = (await CityAsync(), await CityAsync());
        var tariff = await CreateAsync(city, Tariffs, Simple);
        var foreign = await CreateAsync(stranger, Tariffs, Simple);
        await (await city.Client.GetAsync($"{Tariffs}/{foreign}")).ReadProblemAsync(HttpStatusCode.NotFound);
        await (await SendAsync(city, HttpMethod.Delete, $"{Tariffs}/{foreign}", null)).ReadProblemAsync(HttpStatusCode.NotFound);

        foreach (var unknown in new[] { foreign, Guid.CreateVersion7() })
        {
            using var refused = await city.Client.PostAsJsonAsync("/api/v1/citypulse/buildings",
                new { name = "B", use = "office", timeZone = "UTC", floorAreaM2 = 1.0, tariffId = unknown });
            (await refused.ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("tariffId", out _).ShouldBeTrue();
        }

        var building = await city.CreateBuildingAsync(more: new { tariffId = tariff, emissionRegion = "DE" });
        var shown = await (await city.Client.GetAsync($"/api/v1/citypulse/buildings/{building}")).ReadAsync(HttpStatusCode.OK);
        shown.GetProperty("tariffId").GetGuid().ShouldBe(tariff);
        shown.GetProperty("emissionRegion").GetString().ShouldBe("DE");
        await (await SendAsync(city, HttpMethod.Patch, $"/api/v1/citypulse/buildings/{building}", $$"""{"tariffId":"{{foreign}}"}""", ("If-Match", "*")))
            .ReadProblemAsync(HttpStatusCode.BadRequest);
        await (await SendAsync(city, HttpMethod.Delete, $"{Tariffs}/{tariff}", null)).ReadProblemAsync(HttpStatusCode.Conflict);
        (await SendAsync(city, HttpMethod.Patch, $"/api/v1/citypulse/buildings/{building}", """{"tariffId":null}""", ("If-Match", "*"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await SendAsync(city, HttpMethod.Delete, $"{Tariffs}/{tariff}", null)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task There_is_one_factor_of_a_region_year_carrier_and_method()
    {
        var city = await CityAsync();
        const string Body = """{"region":"DE","year":2025,"method":"location","source":"UBA","kgPerKwh":0.363}""";
        var id = await CreateAsync(city, Factors, Body);
        await (await PostAsync(city, Factors, Body)).ReadProblemAsync(HttpStatusCode.Conflict);
        await CreateAsync(city, Factors, Body.Replace("location", "market", StringComparison.Ordinal));
        await CreateAsync(await CityAsync(), Factors, Body);
        var factor = await (await city.Client.GetAsync($"{Factors}/{id}")).ReadAsync(HttpStatusCode.OK);
        factor.GetProperty("carrier").GetString().ShouldBe("electricity");
        await (await SendAsync(city, HttpMethod.Patch, $"{Factors}/{id}", """{"method":"market"}""", ("If-Match", "*"))).ReadProblemAsync(HttpStatusCode.Conflict);
        var problem = await (await PostAsync(city, Factors, """{"region":"","year":1800,"carrier":"wood","method":"guess","kgPerKwh":-1}""")).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldBe(["region", "year", "carrier", "method", "source", "kgPerKwh"], ignoreOrder: true);
    }

    [Fact]
    public async Task The_document_describes_every_energy_operation_and_its_refusals()
    {
        using var client = fixture.Api.CreateClient();
        var paths = (await (await client.GetAsync("/openapi/v1.json")).ReadAsync(HttpStatusCode.OK)).GetProperty("paths");
        foreach (var (path, method, statuses) in new[]
        {
            ("", "get", "200,304,400,401,403,404"), ("/ranking", "get", "200,304,400,401,403,404"), ("/compare", "get", "200,304,400,401,403,404"),
            ("/explain", "get", "200,304,400,401,403,404"), ("/baseline", "get", "200,304,400,401,403,404"),
            ("/tariffs", "get", "200,304,400,401,403"), ("/tariffs", "post", "201,400,401,403,409,415,422"),
            ("/tariffs/{id}", "get", "200,304,401,403,404"), ("/tariffs/{id}", "put", "200,400,401,403,404,409,412,415,428"),
            ("/tariffs/{id}", "patch", "200,400,401,403,404,409,412,415,428"), ("/tariffs/{id}", "delete", "204,400,401,403,404,409,412"),
            ("/factors", "post", "201,400,401,403,409,415,422"), ("/factors/{id}", "patch", "200,400,401,403,404,409,412,415,428"),
        })
        {
            var operation = paths.GetProperty($"/api/v1/citypulse/energy{path}").GetProperty(method);
            operation.GetProperty("tags")[0].GetString().ShouldBe("Energy");
            var described = operation.GetProperty("responses").EnumerateObject().Select(r => r.Name).ToList();
            statuses.Split(',').Where(s => !described.Contains(s)).ShouldBeEmpty($"{method} {path}");
        }

        paths.GetProperty("/api/v1/citypulse/energy/tariffs/{id}").GetProperty("put").GetProperty("requestBody").ToString().ShouldContain("TariffRequest");
    }

    private async Task<City> CityAsync() => await City.RegisterAsync(fixture.Api.CreateClient());

    internal static async Task<Guid> CreateAsync(City city, string path, string body)
    {
        using var answer = await PostAsync(city, path, body);
        return (await answer.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
    }

    private static Task<HttpResponseMessage> PostAsync(City city, string path, string body) => SendAsync(city, HttpMethod.Post, path, body);

    private static async Task<HttpResponseMessage> SendAsync(City city, HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await city.Client.SendAsync(request);
    }
}
