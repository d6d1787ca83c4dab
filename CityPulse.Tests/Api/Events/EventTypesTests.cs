using System.Net;
using CityPulse.Contracts;
using CityPulse.Tests.Api.Alerts;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Events;

/// <summary>Everything in the city that can be changed is changed, and the outbox has what the live stream's contract lists.</summary>
[Collection(nameof(AlertsApi))]
public sealed class EventTypesTests(AlertsApi api)
{
    private const string Tariffs = "/api/v1/citypulse/energy/tariffs";
    private const string Factors = "/api/v1/citypulse/energy/factors";

    [Fact]
    public async Task Changes_are_told_as_the_events_of_the_contract_and_as_nothing_else()
    {
        var (member, building, sensor) = await api.WithSensorAsync();
        await ChangeAlertAsync(member, sensor);
        await (await member.PatchAsync($"{Member.Sensors}/{sensor}", new { name = "Hall" })).ReadAsync(HttpStatusCode.OK);
        await (await member.PatchAsync($"{Member.Buildings}/{building}", new { name = "Hall" })).ReadAsync(HttpStatusCode.OK);
        await ChangeAsync(member, Tariffs, new { name = "Flat", currency = "EUR", energyRates = new[] { new { pricePerKwh = 0.3 } } }, new { name = "Flatter" });
        await ChangeAsync(
            member, Factors, new { region = "DE", carrier = "electricity", year = 2026, kgPerKwh = 0.4, source = "Made up", method = "location" }, new { source = "Better" });
        (await member.DeleteAsync($"{Member.Sensors}/{sensor}", "*")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await member.DeleteAsync($"{Member.Buildings}/{building}", "*")).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        var told = await api.ScalarAsync<string[]>(
            """
            SELECT array_agg(DISTINCT type || ' ' || regexp_replace(topic, '[0-9a-f]{8}-[0-9a-f-]{27}', '{id}'))
            FROM outbox LEFT JOIN LATERAL unnest(CASE WHEN topics = '{}' THEN ARRAY[''] ELSE topics END) AS topic ON true WHERE organization_id = $1
            """,
            member.OrganizationId);
        told.ShouldBe(
            [
                .. EventTypes.Readings.Select(type => $"{type} "),
                .. EventTypes.Buildings.Select(type => $"{type} {Topics.Buildings}"),
                .. EventTypes.Alerts.SelectMany(type => new[] { $"{type} {Topics.Alerts}", $"{type} buildings/{{id}}/alerts" }),
            ],
            ignoreOrder: true);
    }

    private async Task ChangeAlertAsync(Member member, Guid sensor)
    {
        await AlertsApi.AddRuleAsync(member, sensor);
        var now = api.Clock.GetUtcNow();
        await AlertsApi.IngestAsync(member, sensor, (now.AddMinutes(-5), 41));
        var alert = $"{AlertsApi.Route}/{(await api.SingleAsync(member, "unacknowledged")).GetProperty("id").GetGuid()}";
        await (await member.PostAsync(alert + "/comment", new { comment = "Hm" })).ReadAsync(HttpStatusCode.OK);
        await (await member.PostAsync(alert + "/shelve", new { minutes = 5, reason = "Being repaired" })).ReadAsync(HttpStatusCode.OK);
        await (await member.SendAsync(HttpMethod.Post, alert + "/unshelve")).ReadAsync(HttpStatusCode.OK);
        await (await member.SendAsync(HttpMethod.Post, alert + "/acknowledge")).ReadAsync(HttpStatusCode.OK);
        await AlertsApi.IngestAsync(member, sensor, (now.AddMinutes(-4), 20));
        await api.SingleAsync(member, "closed");
    }

    private static async Task ChangeAsync(Member member, string route, object body, object change)
    {
        var created = await (await member.PostAsync(route, body)).ReadAsync(HttpStatusCode.Created);
        var path = $"{route}/{created.GetProperty("id").GetGuid()}";
        await (await member.PatchAsync(path, change)).ReadAsync(HttpStatusCode.OK);
        (await member.DeleteAsync(path, "*")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }
}
