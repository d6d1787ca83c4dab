using System.Globalization;
using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class ReadingQueryTests(ReadingsApi api) : IClassFixture<ReadingsApi>
{
    [Theory]
    [InlineData("asc")]
    [InlineData("desc")]
    public async Task Raw_readings_come_page_by_page_each_once(string order)
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var rows = Enumerable.Range(0, 137).Select(i => (Time("2026-01-01T00:00:00Z").AddMinutes(7 * i).AddMicroseconds(i), i / 3.0)).ToList();
        await city.IngestAsync("meter", rows);
        var path = $"/api/v1/citypulse/sensors/{sensor}/readings?from=2026-01-01T00:00:00Z&to={rows[^1].Item1:yyyy-MM-ddTHH:mm:ss.ffffff}Z&order={order}";
        var read = new List<(DateTimeOffset, double)>();
        string? cursor = null;
        var pages = 0;
        do
        {
            var page = await GetAsync(city, $"{path}&limit=20{(cursor is null ? "" : $"&cursor={cursor}")}");
            page.GetProperty("sensorId").GetGuid().ShouldBe(sensor);
            page.GetProperty("unit").GetString().ShouldBe("Cel");
            page.GetProperty("resolution").GetString().ShouldBe("raw");
            read.AddRange(page.GetProperty("items").EnumerateArray().Select(i => (i.GetProperty("at").GetDateTimeOffset(), i.GetProperty("value").GetDouble())));
            cursor = page.GetProperty("nextCursor").GetString();

            // What comes in while someone turns pages moves nothing that was or will be on them.
            await city.IngestAsync("meter", (rows[0].Item1.AddSeconds(-(++pages)), -1), (rows[^1].Item1.AddSeconds(pages), -1));
        }
        while (cursor is not null);

        // The period is half-open: the last reading stands on its end.
        read.ShouldBe(order == "asc" ? rows[..^1] : Enumerable.Reverse(rows[..^1]));
        pages.ShouldBe(7);
        (await GetAsync(city, path)).GetProperty("items").GetArrayLength().ShouldBe(50);
    }

    [Fact]
    public async Task The_last_seven_days_are_the_default()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var now = TimeProvider.System.GetUtcNow();
        await city.IngestAsync("meter", (now.AddDays(-8), 1), (now.AddDays(-6), 2), (now.AddMinutes(-1), 3), (now.AddMinutes(4), 4));
        Values(await GetAsync(city, $"/api/v1/citypulse/sensors/{sensor}/readings"), "value").ShouldBe([2, 3]);
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=501")]
    [InlineData("limit=x")]
    [InlineData("cursor=abc")]
    [InlineData("order=up")]
    [InlineData("resolution=2h")]
    [InlineData("from=yesterday")]
    [InlineData("from=2026-01-01T00:00:00")]
    [InlineData("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z")]
    [InlineData("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z")]
    [InlineData("from=2026-01-01T00:00:00Z&to=2026-01-15T00:00:00Z&resolution=1m")]
    public async Task What_cannot_be_answered_is_400(string query)
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        using var response = await city.Client.GetAsync($"/api/v1/citypulse/sensors/{sensor}/readings?{query}");
        await response.ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_cursor_is_good_for_its_own_question_only()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var start = Time("2026-01-01T00:00:00Z");
        await city.IngestAsync("meter", Enumerable.Range(0, 5).Select(i => (start.AddHours(i), 1.0 * i)));
        var path = $"/api/v1/citypulse/sensors/{sensor}/readings?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&limit=2";
        var cursor = (await GetAsync(city, path)).GetProperty("nextCursor").GetString()!;
        Values(await GetAsync(city, $"{path}&cursor={cursor}"), "value").ShouldBe([2, 3]);
        foreach (var wrong in new[] { $"{path}&order=desc&cursor={cursor}", $"{path}&resolution=1h&cursor={cursor}", $"{path}&cursor={(cursor[0] == 'A' ? 'B' : 'A')}{cursor[1..]}" })
        {
            using var response = await city.Client.GetAsync(wrong);
            await response.ReadProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Theory]
    [InlineData("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23)]
    [InlineData("Europe/Berlin", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", 25)]
    [InlineData("America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 23)]
    [InlineData("America/New_York", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z", 25)]
    public async Task Days_follow_the_building_and_everything_shorter_follows_utc(string zone, string start, string end, int hours)
    {
        var (city, _, sensor) = await api.WithMeterAsync(zone);
        var tz = TimeZoneInfo.FindSystemTimeZoneById(zone);
        var random = new Random(hours);
        var rows = Enumerable.Range(-100, 400).Select(q => (At: Time(start).AddMinutes(15 * q).AddSeconds(random.Next(800)), Value: random.NextDouble())).ToList();
        await city.IngestAsync("meter", rows);

        foreach (var (resolution, key) in new (string, Func<DateTimeOffset, object>)[]
        {
            ("1d", at => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, tz).DateTime)),
            ("1h", at => at.UtcTicks / TimeSpan.TicksPerHour),
            ("15m", at => at.UtcTicks / (TimeSpan.TicksPerHour / 4)),
            ("1m", at => at.UtcTicks / TimeSpan.TicksPerMinute),
        })
        {
            var (from, to) = (Time(start).AddHours(-3), Time(end).AddHours(5).AddMinutes(7));
            var answer = await GetAsync(city, $"/api/v1/citypulse/sensors/{sensor}/readings?resolution={resolution}&from={from:yyyy-MM-ddTHH:mm:ssZ}&to={to:yyyy-MM-ddTHH:mm:ssZ}");
            answer.GetProperty("resolution").GetString().ShouldBe(resolution);
            var expected = rows.Where(r => r.At >= from && r.At < to).GroupBy(r => key(r.At)).ToList();
            var items = answer.GetProperty("items").EnumerateArray().ToList();
            items.Count.ShouldBe(expected.Count);
            foreach (var (item, group) in items.Zip(expected))
            {
                var values = group.Select(r => r.Value).ToList();
                var sum = Exactly.Sum(values);
                item.GetProperty("count").GetInt32().ShouldBe(values.Count);
                item.GetProperty("sum").GetDouble().ShouldBe(sum);
                item.GetProperty("avg").GetDouble().ShouldBe(sum / values.Count);
                item.GetProperty("min").GetDouble().ShouldBe(values.Min());
                item.GetProperty("max").GetDouble().ShouldBe(values.Max());
                item.GetProperty("last").GetDouble().ShouldBe(values[^1]);
                item.EnumerateObject().Select(m => m.Name).ShouldBe(["at", "avg", "min", "max", "sum", "count", "last"]);
                item.GetProperty("at").GetDateTimeOffset().ShouldBeLessThanOrEqualTo(group.Min(r => r.At));
                key(item.GetProperty("at").GetDateTimeOffset()).ShouldBe(group.Key);
            }
        }

        // The day of the change, from its first instant to its last, is one bucket of so many hours.
        var day = await GetAsync(city, $"/api/v1/citypulse/sensors/{sensor}/readings?resolution=1d&from={start}&to={end}");
        day.GetProperty("items").EnumerateArray().ShouldHaveSingleItem().GetProperty("at").GetString().ShouldBe(start);
        (await GetAsync(city, $"/api/v1/citypulse/sensors/{sensor}/readings?resolution=1h&from={start}&to={end}")).GetProperty("items").GetArrayLength().ShouldBe(hours);
    }

    [Theory]
    [InlineData("asc")]
    [InlineData("desc")]
    public async Task Buckets_come_page_by_page_if_asked_for_across_gaps(string order)
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var start = Time("2025-01-01T00:00:00Z");
        // Three hours of readings every twenty days.
        var rows = Enumerable.Range(0, 180).Select(i => (start.AddDays(20 * (i / 12)).AddMinutes(15 * (i % 12)), 1.0 + i)).ToList();
        await city.IngestAsync("meter", rows);
        foreach (var resolution in new[] { "1h", "1d" })
        {
            var path = $"/api/v1/citypulse/sensors/{sensor}/readings?resolution={resolution}&order={order}&from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z";
            var whole = (await GetAsync(city, path)).GetProperty("items").EnumerateArray().Select(i => i.ToString()).ToList();
            whole.Count.ShouldBe(resolution == "1h" ? 45 : 15);
            var paged = new List<string>();
            string? cursor = null;
            do
            {
                var page = await GetAsync(city, $"{path}&limit=4{(cursor is null ? "" : $"&cursor={cursor}")}");
                page.GetProperty("items").GetArrayLength().ShouldBeLessThanOrEqualTo(4);
                paged.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.ToString()));
                cursor = page.GetProperty("nextCursor").GetString();
            }
            while (cursor is not null);
            paged.ShouldBe(whole);
        }
    }

    [Fact]
    public async Task Csv_is_the_whole_period_with_the_same_members()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var start = Time("2026-01-01T00:00:00Z");
        await city.IngestAsync("meter", Enumerable.Range(0, 3000).Select(i => (start.AddSeconds(i).AddMilliseconds(i % 2 * 120), i * 0.1)));
        var path = $"/api/v1/citypulse/sensors/{sensor}/readings?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&limit=2";

        var raw = await CsvAsync(city, path);
        raw.Length.ShouldBe(3001);
        raw[..4].ShouldBe(["at,value", "2026-01-01T00:00:00Z,0", "2026-01-01T00:00:01.12Z,0.1", "2026-01-01T00:00:02Z,0.2"]);

        var buckets = await CsvAsync(city, path + "&resolution=15m&order=desc");
        var json = (await GetAsync(city, path.Replace("&limit=2", "", StringComparison.Ordinal) + "&resolution=15m&order=desc")).GetProperty("items").EnumerateArray()
            .Select(i => string.Join(',', i.EnumerateObject().Select(m => m.Value.ValueKind == JsonValueKind.String ? m.Value.GetString() : m.Value.GetRawText())));
        buckets.ShouldBe(json.Prepend("at,avg,min,max,sum,count,last"));
        buckets.Length.ShouldBe(5);
    }

    [Fact]
    public async Task Gaps_are_told_when_asked_for()
    {
        var (city, _, sensor) = await api.WithMeterAsync(more: new { intervalSeconds = 900 });
        var path = $"/api/v1/citypulse/sensors/{sensor}/readings?from=2026-01-01T00:00:00Z&to=2026-01-01T12:00:00Z";
        await city.IngestAsync("meter", new[] { 0, 15, 60, 106, 120, 600 }.Select(m => (Time("2026-01-01T01:00:00Z").AddMinutes(m), 1.0)));
        foreach (var query in new[] { "", "&resolution=1h", "&resolution=1h&order=desc", "&limit=1" })
        {
            (await GetAsync(city, $"{path}{query}&gaps=true")).GetProperty("gaps").EnumerateArray()
                .Select(g => (g.GetProperty("from").GetString(), g.GetProperty("to").GetString())).ShouldBe(
                [
                    ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"), ("2026-01-01T02:00:00Z", "2026-01-01T02:46:00Z"),
                    ("2026-01-01T03:00:00Z", "2026-01-01T11:00:00Z"), ("2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z"),
                ]);
        }

        (await GetAsync(city, path)).TryGetProperty("gaps", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Latest_readings_are_one_a_sensor()
    {
        var (city, building, first) = await api.WithMeterAsync();
        var elsewhere = await city.CreateBuildingAsync("Annex");
        var second = await city.CreateSensorAsync(elsewhere, "temperature", "other");
        await city.CreateSensorAsync(building, "temperature", "silent");
        await city.IngestAsync("meter", (Time("2010-06-01T00:00:00Z"), 1), (Time("2026-02-01T00:00:00Z"), 2.5));
        await city.IngestAsync("other", (Time("2026-01-01T00:00:00Z"), 3));
        await city.IngestAsync("meter", (Time("2026-01-31T00:00:00Z"), 9));

        var all = await GetAsync(city, "/api/v1/citypulse/readings/latest");
        all.GetProperty("items").EnumerateArray().Select(i => (i.GetProperty("sensorId").GetGuid(), i.GetProperty("buildingId").GetGuid(), i.GetProperty("at").GetString(), i.GetProperty("value").GetDouble()))
            .ShouldBe([(first, building, "2026-02-01T00:00:00Z", 2.5), (second, elsewhere, "2026-01-01T00:00:00Z", 3)]);
        var page = await GetAsync(city, "/api/v1/citypulse/readings/latest?limit=1");
        var next = await GetAsync(city, $"/api/v1/citypulse/readings/latest?limit=1&cursor={page.GetProperty("nextCursor").GetString()}");
        next.GetProperty("items").EnumerateArray().Single().GetProperty("sensorId").GetGuid().ShouldBe(second);
        next.GetProperty("nextCursor").ValueKind.ShouldBe(JsonValueKind.Null);
        (await GetAsync(city, $"/api/v1/citypulse/readings/latest?buildingId={elsewhere}")).GetProperty("items").EnumerateArray()
            .Single().GetProperty("sensorId").GetGuid().ShouldBe(second);

        var stranger = await api.RegisterAsync();
        (await GetAsync(stranger, "/api/v1/citypulse/readings/latest")).GetProperty("items").GetArrayLength().ShouldBe(0);
        foreach (var foreign in new[] { $"readings/latest?buildingId={building}", $"sensors/{first}/readings" })
        {
            using var refused = await stranger.Client.GetAsync($"/api/v1/citypulse/{foreign}");
            await refused.ReadProblemAsync(HttpStatusCode.NotFound);
        }
    }

    [Fact]
    public async Task An_unchanged_answer_is_304_and_a_changed_one_is_not()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        await city.IngestAsync("meter", (Time("2026-01-01T00:00:00Z"), 1));
        var path = $"/api/v1/citypulse/sensors/{sensor}/readings?resolution=1h&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z";
        using var first = await city.Client.GetAsync(path);
        first.Headers.CacheControl!.ToString().ShouldBe("no-cache, private");
        var tag = first.Headers.ETag!.ToString();
        (await ConditionalAsync(city, path, tag)).ShouldBe(HttpStatusCode.NotModified);
        await city.IngestAsync("meter", (Time("2026-01-01T00:00:00Z"), 2));
        (await ConditionalAsync(city, path, tag)).ShouldBe(HttpStatusCode.OK);
    }

    private static async Task<HttpStatusCode> ConditionalAsync(City city, string path, string tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        using var response = await city.Client.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<JsonElement> GetAsync(City city, string path)
    {
        using var response = await city.Client.GetAsync(path);
        return await response.ReadAsync(HttpStatusCode.OK);
    }

    private static async Task<string[]> CsvAsync(City city, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/csv");
        using var response = await city.Client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe("text/csv; charset=utf-8");
        return (await response.Content.ReadAsStringAsync()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }

    private static double[] Values(JsonElement answer, string member) =>
        [.. answer.GetProperty("items").EnumerateArray().Select(i => i.GetProperty(member).GetDouble())];

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
