using System.Globalization;
using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.Api.Analytics;

/// <summary>One real Api for the tests of a class, at half past nine on Friday, 10 April 2026: twelve days after Berlin's clocks went forward.</summary>
public sealed class AnalyticsApi(TestStores stores) : IAsyncLifetime
{
    internal static readonly DateTimeOffset Now = new(2026, 4, 10, 9, 30, 0, TimeSpan.Zero);

    private ApiHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await stores.SharedAsync(nameof(AnalyticsApi), () => ApiHost.StartAsync(
        stores,
        settings: [new("RATE_LIMITING_ENABLED", "false")],
        services: s => s.Replace(ServiceDescriptor.Singleton<TimeProvider>(new FakeTimeProvider(Now)))));

    /// <summary>The shared Api ends with the run.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal Task<City> RegisterAsync() => City.RegisterAsync(_host.CreateClient());
}

internal static class AnalyticsQuestions
{
    public const string Analytics = "/api/v1/citypulse/analytics";

    public static async Task<JsonElement> AskAsync(this City city, string path)
    {
        using var response = await city.Client.GetAsync(path);
        var answer = await response.ReadAsync(HttpStatusCode.OK);
        answer.ToString().ShouldNotContain("NaN");
        return answer;
    }

    /// <summary>Expects a refusal that names the parameter.</summary>
    public static async Task RefusedAsync(this City city, string path, string parameter)
    {
        using var response = await city.Client.GetAsync(path);
        var problem = await response.ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").TryGetProperty(parameter, out _).ShouldBeTrue(problem.ToString());
    }

    public static async Task NotFoundAsync(this City city, string path) =>
        await (await city.Client.GetAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);

    public static string Text(this DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Full hours up to now, <paramref name="days"/> days of them.</summary>
    public static IEnumerable<DateTimeOffset> Hours(int days) =>
        Enumerable.Range(0, 24 * days).Select(h => new DateTimeOffset(2026, 4, 10, 9, 0, 0, TimeSpan.Zero).AddDays(-days).AddHours(h));

    public static double? Number(this JsonElement item, string name) => item.GetProperty(name) is { ValueKind: JsonValueKind.Number } n ? n.GetDouble() : null;
}

/// <summary>Unusual readings over HTTP.</summary>
public sealed class AnomalyTests(AnalyticsApi api) : IClassFixture<AnalyticsApi>
{
    private static readonly DateTimeOffset SpikeAt = AnalyticsApi.Now.AddMinutes(-30).AddDays(-2);

    [Fact]
    public async Task A_spike_is_told_with_what_was_expected()
    {
        var (city, sensor) = await WithSpikeAsync();
        var items = await city.AskAsync($"{AnalyticsQuestions.Analytics}/anomalies?sensorId={sensor}");
        var item = items.EnumerateArray().ShouldHaveSingleItem();
        item.GetProperty("at").GetString().ShouldBe(SpikeAt.Text());
        item.GetProperty("value").GetDouble().ShouldBe(40);
        item.GetProperty("expected").GetDouble().ShouldBe(Value(SpikeAt), 1.5);
        item.GetProperty("score").GetDouble().ShouldBeGreaterThan(3.5);
    }

    [Fact]
    public async Task Sensitivity_lets_more_or_fewer_through()
    {
        var (city, sensor) = await WithSpikeAsync();
        var counts = new List<int>();
        foreach (var sensitivity in new[] { "1", "5", "9.5", "10" })
        {
            counts.Add((await city.AskAsync($"{AnalyticsQuestions.Analytics}/anomalies?sensorId={sensor}&sensitivity={sensitivity}")).GetArrayLength());
        }

        counts.ShouldBe(counts.Order());
        counts[^1].ShouldBeGreaterThan(counts[0]);
    }

    [Fact]
    public async Task An_earlier_end_changes_nothing_of_what_lies_before_it()
    {
        var (city, sensor) = await WithSpikeAsync();
        var from = AnalyticsApi.Now.AddDays(-20).Text();
        var all = await city.AskAsync($"{AnalyticsQuestions.Analytics}/anomalies?sensorId={sensor}&sensitivity=10&from={from}&to={AnalyticsApi.Now.Text()}");
        var end = AnalyticsApi.Now.AddDays(-5);
        var cut = await city.AskAsync($"{AnalyticsQuestions.Analytics}/anomalies?sensorId={sensor}&sensitivity=10&from={from}&to={end.Text()}");
        cut.GetArrayLength().ShouldBeGreaterThan(0);
        cut.EnumerateArray().Select(i => i.ToString()).ShouldBe(all.EnumerateArray().Where(i => i.GetProperty("at").GetDateTimeOffset() < end).Select(i => i.ToString()));
    }

    [Fact]
    public async Task A_counter_is_judged_by_what_it_counts()
    {
        var city = await api.RegisterAsync();
        var sensor = await city.CreateSensorAsync(
            await city.CreateBuildingAsync(), "water_volume", "w", new { kind = "counter", unit = "m3", intervalSeconds = 3600 });
        var (random, register) = (new Random(3), 100.0);
        await city.IngestAsync("w", AnalyticsQuestions.Hours(20).Select(at => (at, register += 1 + (0.2 * random.NextDouble()) + (at == SpikeAt ? 25 : 0))));
        var items = await city.AskAsync($"{AnalyticsQuestions.Analytics}/anomalies?sensorId={sensor}");
        items.EnumerateArray().ShouldHaveSingleItem().GetProperty("at").GetString().ShouldBe(SpikeAt.Text());
    }

    [Fact]
    public async Task Without_readings_there_are_no_anomalies()
    {
        var city = await api.RegisterAsync();
        var sensor = await city.CreateSensorAsync(await city.CreateBuildingAsync());
        (await city.AskAsync($"{AnalyticsQuestions.Analytics}/anomalies?sensorId={sensor}")).GetArrayLength().ShouldBe(0);
    }

    [Theory]
    [InlineData("sensorId=x", "sensorId")]
    [InlineData("", "sensorId")]
    [InlineData("sensorId={0}&sensitivity=0.5", "sensitivity")]
    [InlineData("sensorId={0}&sensitivity=11", "sensitivity")]
    [InlineData("sensorId={0}&sensitivity=NaN", "sensitivity")]
    [InlineData("sensorId={0}&sensitivity=many", "sensitivity")]
    [InlineData("sensorId={0}&from=2026-04-02T00:00:00Z&to=2026-04-01T00:00:00Z", "from")]
    [InlineData("sensorId={0}&from=yesterday", "from")]
    public async Task A_bad_question_is_refused(string query, string parameter)
    {
        var city = await api.RegisterAsync();
        await city.RefusedAsync($"{AnalyticsQuestions.Analytics}/anomalies?{string.Format(CultureInfo.InvariantCulture, query, Guid.CreateVersion7())}", parameter);
    }

    [Fact]
    public async Task Anothers_sensor_is_not_found()
    {
        var (_, sensor) = await WithSpikeAsync();
        var stranger = await api.RegisterAsync();
        await stranger.NotFoundAsync($"{AnalyticsQuestions.Analytics}/anomalies?sensorId={sensor}");
        await stranger.NotFoundAsync($"{AnalyticsQuestions.Analytics}/anomalies?sensorId={Guid.CreateVersion7()}");
    }

    private async Task<(City City, Guid Sensor)> WithSpikeAsync()
    {
        var city = await api.RegisterAsync();
        var sensor = await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "t", new { intervalSeconds = 3600 });
        var random = new Random(7);
        await city.IngestAsync("t", AnalyticsQuestions.Hours(42).Select(at => (at, at == SpikeAt ? 40 : Math.Round(Value(at) + random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5, 2))));
        return (city, sensor);
    }

    private static double Value(DateTimeOffset at) => 21 - (2 * Math.Cos(2 * Math.PI * at.TimeOfDay.TotalDays));
}
