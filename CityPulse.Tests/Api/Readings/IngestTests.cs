using System.Globalization;
using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class IngestTests(ReadingsApi api) : IClassFixture<ReadingsApi>
{
    [Theory]
    [InlineData("application/json", false)]
    [InlineData("application/json; charset=utf-8", true)]
    [InlineData("application/x-ndjson", false)]
    [InlineData("application/x-ndjson", true)]
    [InlineData("text/csv", false)]
    [InlineData("text/csv", true)]
    public async Task Every_format_stores_all_bits_of_values_and_the_microseconds_of_times(string type, bool gzip)
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        (string At, string Value, string Quality)[] rows =
        [
            ("2025-03-30T01:59:59.999999+01:00", "0.1", "good"),
            ("2025-03-30T03:00:00+02:00", "-1.7976931348623157E+308", "bad"),
            ("2000-01-01T00:00:00Z", "4.9E-324", "uncertain"),
            ("2025-12-31T23:59:59.000001-05:00", "0.30000000000000004", "good"),
        ];
        var body = type.Split(';')[0] switch
        {
            "application/json" => "{\"readings\":[" + string.Join(',', rows.Select(r => $$"""{"sensor":"meter","at":"{{r.At}}","value":{{r.Value}},"quality":"{{r.Quality}}"}""")) + "]}",
            "application/x-ndjson" => string.Join('\n', rows.Select(r => $$"""{"value":{{r.Value}},"sensor":"{{sensor}}","quality":"{{r.Quality}}","at":"{{r.At}}"}""")),
            _ => "at,quality,sensor,value\r\n" + string.Join("\r\n", rows.Select(r => $"{r.At},{r.Quality},meter,{r.Value}")),
        };

        var answer = await (await ReadingsApi.PostAsync(city, body, type, gzip)).ReadAsync(HttpStatusCode.OK);

        ReadingsApi.Counts(answer).ShouldBe((4, 0, 0, 0));
        answer.GetProperty("errors").GetArrayLength().ShouldBe(0);
        var expected = rows
            .Select(r => (DateTimeOffset.Parse(r.At, CultureInfo.InvariantCulture).UtcDateTime, double.Parse(r.Value, CultureInfo.InvariantCulture),
                (short)Array.IndexOf(["good", "uncertain", "bad"], r.Quality)))
            .OrderBy(r => r.UtcDateTime);
        (await api.StoredAsync(sensor)).ShouldBe(expected);
    }

    [Fact]
    public async Task A_batch_sent_twice_changes_nothing_and_another_value_is_an_update()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var batch = ReadingsApi.Json(("meter", "2026-01-01T00:00:00Z", 1), ("meter", "2026-01-01T00:15:00Z", 2), ("meter", "2026-01-01T00:30:00Z", 3));
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, batch)).ReadAsync(HttpStatusCode.OK)).ShouldBe((3, 0, 0, 0));
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, batch)).ReadAsync(HttpStatusCode.OK)).ShouldBe((0, 0, 3, 0));

        // New, changed and known ones in one batch, before, between and behind what is stored.
        var mixed = ReadingsApi.Json(
            ("meter", "2025-12-31T23:45:00Z", 0), ("meter", "2026-01-01T00:00:00Z", 1), ("meter", "2026-01-01T00:15:00Z", 2.5),
            (sensor.ToString(), "2026-01-01T00:20:00Z", 9), ("meter", "2026-01-01T00:45:00Z", 4));
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, mixed)).ReadAsync(HttpStatusCode.OK)).ShouldBe((3, 1, 1, 0));
        (await api.StoredAsync(sensor)).Select(r => r.Value).ShouldBe([0, 1, 2.5, 9, 3, 4]);
    }

    [Fact]
    public async Task Within_a_batch_the_last_value_stands_and_every_row_is_counted_once()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        await city.IngestAsync("meter", (Time("2026-01-01T01:00:00Z"), 5));
        var batch = ReadingsApi.Json(
            ("meter", "2026-01-01T02:00:00Z", 1), // changed by the next of its time
            ("meter", "2026-01-01T01:00:00Z", 6), // changed by the next of its time
            ("meter", "2026-01-01T02:00:00+00:00", 2), // repeated by the next of its time
            (sensor.ToString(), "2026-01-01T02:00:00Z", 2), // new
            ("meter", "2026-01-01T03:00:00+01:00", 2), // the same instant again: this is the row that is new
            ("meter", "2026-01-01T01:00:00Z", 5), // as stored
            ("meter", "soon", 5));
        var answer = await (await ReadingsApi.PostAsync(city, batch)).ReadAsync(HttpStatusCode.OK);
        ReadingsApi.Counts(answer).ShouldBe((1, 2, 3, 1));
        (await api.StoredAsync(sensor)).Select(r => r.Value).ShouldBe([5, 2]);
    }

    [Fact]
    public async Task Bad_rows_are_told_with_their_place_and_stop_no_good_one()
    {
        var (city, _, sensor) = await api.WithMeterAsync(more: new { minValue = -40.0, maxValue = 60.0 });
        var (stranger, _, foreign) = await api.WithMeterAsync();
        var ahead = TimeProvider.System.GetUtcNow().AddMinutes(6);
        var body = $$"""
            {"readings":[
            {"sensor":"meter","at":"2026-01-01T00:00:00Z","value":20},
            {"sensor":"nobody","at":"2026-01-01T00:00:00Z","value":20},
            {"sensor":"{{foreign}}","at":"2026-01-01T00:00:00Z","value":20},
            {"sensor":"meter","at":"2026-01-01T00:01:00Z","value":"NaN"},
            {"sensor":"meter","at":"2026-01-01T00:02:00Z","value":-Infinity},
            {"sensor":"meter","at":"2026-01-01T00:03:00Z","value":1e999},
            {"sensor":"meter","at":"2026-01-01T00:04:00Z","value":60.1},
            {"sensor":"meter","at":"{{ahead:O}}","value":20},
            {"sensor":"meter","at":"1999-12-31T23:59:59Z","value":20},
            {"sensor":"meter","at":"2026-01-01T00:05:00","value":20},
            {"sensor":"meter","at":"2026-01-01T00:06:00Z","value":20,"quality":"splendid"},
            {"sensor":"meter","at":"2026-01-01T00:07:00Z","value":60}]}
            """;
        var answer = await (await ReadingsApi.PostAsync(city, body)).ReadAsync(HttpStatusCode.OK);

        ReadingsApi.Counts(answer).ShouldBe((2, 0, 0, 10));
        var errors = answer.GetProperty("errors").EnumerateArray().ToList();
        errors.Select(e => (e.GetProperty("index").GetInt32(), e.GetProperty("code").GetString())).ShouldBe(
        [
            (1, "unknown_sensor"), (2, "unknown_sensor"), (3, "not_finite"), (4, "not_finite"), (5, "not_finite"), (6, "out_of_range"),
            (7, "in_future"), (8, "too_old"), (9, "invalid_time"), (10, "invalid_quality"),
        ]);
        errors[0].GetProperty("sensor").GetString().ShouldBe("nobody");
        errors[0].GetProperty("detail").GetString().ShouldBe(errors[1].GetProperty("detail").GetString(), "a foreign sensor reads like an unknown one");
        errors[5].GetProperty("detail").GetString().ShouldBe("The value 60.1 is outside the sensor's range, -40 to 60.");
        (await api.StoredAsync(sensor)).Count.ShouldBe(2);
        (await api.StoredAsync(foreign)).ShouldBeEmpty();
        stranger.OrganizationId.ShouldNotBe(city.OrganizationId);
    }

    [Fact]
    public async Task Only_the_first_hundred_bad_rows_are_told()
    {
        var (city, _, _) = await api.WithMeterAsync();
        var rows = Enumerable.Range(0, 250).Select(i => (i % 2 == 0 ? "meter" : "nobody", $"2026-01-01T00:{i / 60:00}:{i % 60:00}Z", 1.0));
        var answer = await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(rows))).ReadAsync(HttpStatusCode.OK);
        ReadingsApi.Counts(answer).ShouldBe((125, 0, 0, 125));
        answer.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("index").GetInt32()).ShouldBe(Enumerable.Range(0, 100).Select(i => (2 * i) + 1));
    }

    [Fact]
    public async Task No_good_row_at_all_is_422_with_the_same_members()
    {
        var city = await api.RegisterAsync();
        var problem = await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(("x", "2026-01-01T00:00:00Z", 1), ("y", "2026-01-01", 1))))
            .ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
        ReadingsApi.Counts(problem).ShouldBe((0, 0, 0, 2));
        problem.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("code").GetString()).ShouldBe(["unknown_sensor", "invalid_time"]);

        problem = await (await ReadingsApi.PostAsync(city, "sensor,at,value\n", "text/csv")).ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
        ReadingsApi.Counts(problem).ShouldBe((0, 0, 0, 0));
    }

    [Theory]
    [InlineData("application/json", "{\"readings\":[{\"sensor\":\"meter\",\"at\":\"2026-01-01T00:00:00Z\",\"value\":1},{\"sensor\":", "readings[1]", "Line 1, byte ")]
    [InlineData("application/json", "{\"readings\":[{\"sensor\":\"meter\",\"at\":\"2026-01-01T00:00:00Z\",\"value\":1},{\"sensor\":\"meter\",\"at\":\"2026-01-01T00:01:00Z\",\"value\":\"1\"}]}", "readings[1].value", "Line 1, byte ")]
    [InlineData("application/json", "{\"readings\":[{\"sensor\":\"meter\",\"at\":\"2026-01-01T00:00:00Z\",\"value\":1,\"unit\":\"kWh\"}]}", "readings[0].unit", "Line 1, byte ")]
    [InlineData("application/x-ndjson", "{\"sensor\":\"meter\",\"at\":\"2026-01-01T00:00:00Z\",\"value\":1}\nnope", "[1]", "Line 2, byte 1")]
    [InlineData("text/csv", "sensor,at,value\nmeter,2026-01-01T00:00:00Z,1\nmeter,2026-01-01T00:01:00Z\n", "line 3", "Line 3, byte 1")]
    public async Task A_body_that_is_not_of_the_contract_is_400_and_stores_nothing(string type, string body, string path, string message)
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var problem = await (await ReadingsApi.PostAsync(city, body, type)).ReadProblemAsync(HttpStatusCode.BadRequest);
        var error = problem.GetProperty("errors").EnumerateObject().ShouldHaveSingleItem();
        path.ShouldEndWith(error.Name.TrimStart('$', '.'));
        error.Value[0].GetString().ShouldStartWith(message);
        (await api.StoredAsync(sensor)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Broken_gzip_is_400()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var zipped = ReadingsApi.Zip(System.Text.Encoding.UTF8.GetBytes(ReadingsApi.Json(("meter", "2026-01-01T00:00:00Z", 1))));
        foreach (var broken in new[] { "no gzip"u8.ToArray(), zipped[..^12], [.. zipped[..20], 0, 0, 0, .. zipped[23..]] })
        {
            using var content = new ByteArrayContent(broken);
            content.Headers.ContentType = new("application/json");
            content.Headers.ContentEncoding.Add("gzip");
            await (await city.Client.PostAsync(ReadingsApi.Ingest, content)).ReadProblemAsync(HttpStatusCode.BadRequest);
        }

        (await api.StoredAsync(sensor)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("application/xml", null)]
    [InlineData("application/json; charset=utf-16", null)]
    [InlineData(null, null)]
    [InlineData("application/json", "br")]
    [InlineData("application/json", "gzip, gzip")]
    public async Task Other_types_and_codings_are_415(string? type, string? coding)
    {
        var city = await api.RegisterAsync();
        var response = await ReadingsApi.PostAsync(city, "{}"u8.ToArray(), type, coding);
        await response.ReadProblemAsync(HttpStatusCode.UnsupportedMediaType);
    }

    [Fact]
    public async Task Nobody_stores_without_a_token()
    {
        using var client = api.Host.CreateClient();
        using var content = new StringContent("nonsense");
        await (await client.PostAsync(ReadingsApi.Ingest, content)).ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Readings_of_any_month_since_2000_find_a_place()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var rows = Enumerable.Range(0, 26).SelectMany(y => Enumerable.Range(1, 12).Select(m => ("meter", $"{2000 + y}-{m:00}-01T00:00:00Z", (double)m))).ToArray();
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(rows.Reverse()))).ReadAsync(HttpStatusCode.OK)).ShouldBe((312, 0, 0, 0));
        (await api.StoredAsync(sensor)).Count.ShouldBe(312);
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(rows))).ReadAsync(HttpStatusCode.OK)).ShouldBe((0, 0, 312, 0));
    }

    [Fact]
    public async Task Changes_of_sensors_count_at_once_on_every_replica()
    {
        var (city, building, sensor) = await api.WithMeterAsync();
        await using var other = await ApiHost.StartAsync(api.Stores, settings: ReadingsApi.Unlimited, database: api.Host.ConnectionString);
        using var client = other.CreateClient();
        client.DefaultRequestHeaders.Authorization = city.Client.DefaultRequestHeaders.Authorization;

        // Both replicas have the sensors in mind now.
        foreach (var (at, replica) in new[] { ("2026-01-01T00:00:00Z", city.Client), ("2026-01-01T00:01:00Z", client) })
        {
            await (await SendAsync(replica, "meter", at)).ReadAsync(HttpStatusCode.OK);
        }

        await city.CreateSensorAsync(building, "temperature", "second");
        await (await SendAsync(client, "second", "2026-01-01T00:00:00Z")).ReadAsync(HttpStatusCode.OK);

        using var delete = await city.Client.DeleteAsync($"/api/v1/citypulse/sensors/{sensor}");
        delete.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await (await SendAsync(client, "meter", "2026-01-01T00:02:00Z")).ReadProblemAsync(HttpStatusCode.UnprocessableEntity);
        (await api.ScalarAsync<long>($"SELECT count(*) FROM readings r WHERE NOT EXISTS (SELECT 1 FROM sensors s WHERE s.key = r.sensor_key)")).ShouldBe(0);

        var reborn = await city.CreateSensorAsync(building, "temperature", "meter");
        await (await SendAsync(client, "meter", "2026-01-01T00:03:00Z")).ReadAsync(HttpStatusCode.OK);
        (await api.StoredAsync(reborn)).Count.ShouldBe(1);

        static Task<HttpResponseMessage> SendAsync(HttpClient replica, string name, string at) =>
            replica.PostAsync(ReadingsApi.Ingest, new StringContent(ReadingsApi.Json((name, at, 1)), System.Text.Encoding.UTF8, "application/json"));
    }

    [Fact]
    public async Task The_answer_tells_nothing_but_its_members()
    {
        var (city, _, _) = await api.WithMeterAsync();
        var answer = await (await ReadingsApi.PostAsync(city, ReadingsApi.Json(("meter", "2026-01-01T00:00:00Z", 1), ("x", "2026-01-01T00:00:00Z", 1))))
            .ReadAsync(HttpStatusCode.OK);
        JsonSerializer.Serialize(answer).ShouldBe(
            """{"accepted":1,"updated":0,"duplicates":0,"rejected":1,"errors":[{"index":1,"sensor":"x","code":"unknown_sensor","detail":"There is no such sensor."}]}""");
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
