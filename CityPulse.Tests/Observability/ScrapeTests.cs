using System.Net;
using System.Net.Http.Json;
using CityPulse.Tests.AppHost;
using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Observability;

/// <summary>Rules, dashboards and pages against what running services really tell.</summary>
[Collection(StackCollection.Name)]
public sealed class ScrapeTests(StackFixture stack)
{
    /// <summary>Metrics may be told apart by these, and by nothing that grows with users, organisations or what they own.</summary>
    private static readonly string[] ForbiddenLabels = ["organization", "organization_id", "user", "user_id", "sensor", "sensor_id", "building", "url_full", "url_path", "client_address"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_query_of_a_rule_a_dashboard_or_a_page_names_metrics_and_labels_that_exist()
    {
        await LiveALittleAsync();
        var services = new[] { "api", "realtime", "aigateway" }.Select(service => stack.App.CreateHttpClient(service, "internal")).ToList();
        var (missing, scrape) = (new List<string> { "not looked yet" }, (Scrape?)null);
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    scrape = await Scrape.ReadAsync(services);
                    missing = [.. Delivered.Queries().SelectMany(q => scrape.MissingIn(PromQuery.Parse(q.Query)).Select(m => $"{q.Where}: {m}")),
                        .. Delivered.Mentions().Where(m => !scrape.Knows(m.Metric)).Select(m => $"{m.Where}: {m.Metric}")];
                    return missing.Count == 0;
                },
                "all metrics are there",
                TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException)
        {
            missing.ShouldBeEmpty();
        }

        scrape!.Labels.Where(m => m.Value.Overlaps(ForbiddenLabels)).Select(m => m.Key).ShouldBeEmpty();
        scrape.MissingIn(PromQuery.Parse("max(citypulse_outbox_delay_seconds)")).ShouldBe(["citypulse_outbox_delay_seconds"]);
        scrape.MissingIn(PromQuery.Parse("""sum by (kind) (citypulse_ingest_readings_total{result="x"})""")).ShouldBe(["citypulse_ingest_readings_total{result}", "by (kind)"]);
    }

    /// <summary>What is measured by durations has to happen once.</summary>
    private async Task LiveALittleAsync()
    {
        var city = await City.RegisterAsync(stack.CreateEdgeClient());
        var building = await city.CreateBuildingAsync();
        var sensor = await city.CreateSensorAsync(building, "temperature", "scraped");
        using var rule = await city.Client.PostAsJsonAsync(
            "/api/v1/citypulse/alerts/rules",
            new { name = "Hot", scope = new { sensorId = sensor }, condition = new { type = "threshold", @operator = ">", value = 30 }, severity = "warning" }, Cancel);
        await rule.ReadAsync(HttpStatusCode.Created);
        await using var live = await LiveClient.ConnectAsync(stack.Door, city.AccessToken);
        await live.SubscribeAsync([$"sensors/{sensor}/readings"]);
        await city.IngestAsync("scraped", [(TimeProvider.System.GetUtcNow().AddSeconds(-1), 40)]);
        await live.NextAsync();
        using var read = await city.Client.GetAsync("/api/v1/citypulse/buildings", Cancel);
        using var nothing = await city.Client.GetAsync($"/api/v1/citypulse/buildings/{Guid.CreateVersion7()}", Cancel);
        nothing.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var chat = await city.Client.PostAsJsonAsync("/api/v1/ai/chat", new { message = "How many buildings are there?" }, Cancel);
        await chat.ReadAsync(HttpStatusCode.OK);
    }
}
