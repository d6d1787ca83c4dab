using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics;

/// <summary>How two sensors go together, over HTTP.</summary>
public sealed class CorrelationApiTests(AnalyticsApi api) : IClassFixture<AnalyticsApi>
{
    private const string Correlation = AnalyticsQuestions.Analytics + "/correlation";

    [Fact]
    public async Task A_sensor_that_follows_another_is_found_with_its_lag()
    {
        var (city, a, b) = await WithSensorsAsync();
        var random = new Random(4);
        var values = AnalyticsQuestions.Hours(6).Select(at => (At: at, Value: random.NextDouble())).ToList();
        await city.IngestAsync("a", values);
        await city.IngestAsync("b", values.Take(values.Count - 3).Select(v => (v.At.AddHours(3), -2 * v.Value)));

        var answer = await city.AskAsync($"{Correlation}?a={a}&b={b}");
        answer.GetProperty("resolution").GetString().ShouldBe("1h");
        answer.GetProperty("bestLag").GetInt32().ShouldBe(3);
        answer.Number("bestLagSeconds").ShouldBe(3 * 3600);
        answer.Number("bestLagPearson")!.Value.ShouldBe(-1, 1e-9);
        Math.Abs(answer.Number("pearson")!.Value).ShouldBeLessThan(0.4);
        answer.GetProperty("pairs").GetInt32().ShouldBe(values.Count - 3);
        (await city.AskAsync($"{Correlation}?a={b}&b={a}")).GetProperty("bestLag").GetInt32().ShouldBe(-3);
        (await city.AskAsync($"{Correlation}?a={a}&b={a}")).Number("pearson")!.Value.ShouldBe(1, 1e-9);
    }

    [Theory]
    [InlineData("1m")]
    [InlineData("15m")]
    [InlineData("1d")]
    public async Task Every_resolution_is_answered(string resolution)
    {
        var (city, a, b) = await WithSensorsAsync();
        await city.IngestAsync("a", AnalyticsQuestions.Hours(6).Select((at, i) => (at, (double)i)));
        await city.IngestAsync("b", AnalyticsQuestions.Hours(6).Select((at, i) => (at, 3.0 * i)));
        (await city.AskAsync($"{Correlation}?a={a}&b={b}&resolution={resolution}")).Number("pearson")!.Value.ShouldBe(1, 1e-9);
    }

    [Fact]
    public async Task Constant_or_absent_readings_give_null()
    {
        var (city, a, b) = await WithSensorsAsync();
        await NullAsync("fewer than three");
        await city.IngestAsync("a", AnalyticsQuestions.Hours(3).Select((at, i) => (at, (double)i)));
        await NullAsync("fewer than three");
        await city.IngestAsync("b", AnalyticsQuestions.Hours(3).Select(at => (at, 0.1)));
        await NullAsync("constant");

        async Task NullAsync(string note)
        {
            var answer = await city.AskAsync($"{Correlation}?a={a}&b={b}");
            foreach (var member in new[] { "pearson", "bestLag", "bestLagSeconds", "bestLagPearson" })
            {
                answer.GetProperty(member).ValueKind.ShouldBe(JsonValueKind.Null);
            }

            answer.GetProperty("note").GetString()!.ShouldContain(note);
        }
    }

    [Theory]
    [InlineData("b={1}", "a")]
    [InlineData("a={0}", "b")]
    [InlineData("a={0}&b=2", "b")]
    [InlineData("a={0}&b={1}&resolution=raw", "resolution")]
    [InlineData("a={0}&b={1}&resolution=2h", "resolution")]
    [InlineData("a={0}&b={1}&from=2026-04-01T00:00:00Z&to=2026-04-01T00:00:00Z", "from")]
    [InlineData("a={0}&b={1}&from=2026-01-01T00:00:00Z&resolution=1m", "from")]
    public async Task A_bad_question_is_refused(string query, string parameter)
    {
        var (city, a, b) = await WithSensorsAsync();
        await city.RefusedAsync($"{Correlation}?{query.Replace("{0}", $"{a}").Replace("{1}", $"{b}")}", parameter);
    }

    [Fact]
    public async Task Anothers_sensor_is_not_found_on_either_side()
    {
        var (city, a, _) = await WithSensorsAsync();
        var (_, other, _) = await WithSensorsAsync();
        await city.NotFoundAsync($"{Correlation}?a={a}&b={other}");
        await city.NotFoundAsync($"{Correlation}?a={other}&b={a}");
    }

    private async Task<(City City, Guid A, Guid B)> WithSensorsAsync()
    {
        var city = await api.RegisterAsync();
        var hall = await city.CreateBuildingAsync();
        return (city, await city.CreateSensorAsync(hall, "temperature", "a", new { intervalSeconds = 3600 }),
            await city.CreateSensorAsync(hall, "humidity", "b", new { intervalSeconds = 3600, minValue = -1000 }));
    }
}
