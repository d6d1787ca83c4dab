using System.Net;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts;

/// <summary>Conditions that want more than one reading: a day's energy, and what is usual for a sensor.</summary>
[Collection(nameof(AlertsApi))]
public sealed class BudgetAndAnomalyTests(AlertsApi api)
{
    [Fact]
    public async Task A_budget_is_used_up_in_a_quarter_hour_of_the_buildings_own_day_and_cleared_with_it()
    {
        var member = await api.MemberAsync();
        var building = await member.AddBuildingAsync(Valid.With(Valid.Building(), new { timeZone = "Etc/GMT-1" }));
        var meter = await member.AddSensorAsync(building, new { intervalSeconds = 900 });
        var second = await member.AddSensorAsync(building, new { intervalSeconds = 900 });
        // Midnight an hour east of Greenwich, the day before yesterday.
        var day = new DateTimeOffset(api.Clock.GetUtcNow().AddDays(-2).Date.AddHours(-1), TimeSpan.Zero);
        await AlertsApi.AddRuleAsync(member, meter, new { type = "energy_budget", kwh = 10, period = "day" }, new { scope = new { buildingId = building } });
        await AlertsApi.IngestAsync(member, meter, Enumerable.Range(0, 20).Select(i => (day.AddMinutes(15 * i), 0.4)));
        (await api.AlertsAsync(member)).ShouldBeEmpty("8 kWh are no 10");
        await AlertsApi.IngestAsync(member, second, Enumerable.Range(0, 20).Select(i => (day.AddMinutes(15 * i), 0.4)));
        var alert = await api.SingleAsync(member, "cleared_unacknowledged");
        alert.GetProperty("sensorId").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        alert.GetProperty("threshold").GetDouble().ShouldBe(10);
        alert.Time("raisedAt").ShouldBe(day.AddMinutes(15 * 12), "12 × 0.8 = 9.6, the next one is too much");
        alert.Time("clearedAt").ShouldBe(day.AddDays(1));

        // A correction: it was less.
        await AlertsApi.IngestAsync(member, second, Enumerable.Range(0, 20).Select(i => (day.AddMinutes(15 * i), 0.05)));
        await api.SingleAsync(member, "closed");
    }

    [Fact]
    public async Task A_budget_of_today_stays_open_until_the_day_is_over()
    {
        var member = await api.MemberAsync();
        var building = await member.AddBuildingAsync(Valid.With(Valid.Building(), new { timeZone = "Etc/UTC" }));
        var meter = await member.AddSensorAsync(building, new { intervalSeconds = 60, quantity = "electric_energy", kind = "delta" });
        await AlertsApi.AddRuleAsync(member, meter, new { type = "energy_budget", kwh = 5, period = "month" });
        var now = api.Clock.GetUtcNow();
        await AlertsApi.IngestAsync(member, meter, (new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero), 6));
        var alert = await api.SingleAsync(member, "unacknowledged");
        alert.GetProperty("sensorId").GetGuid().ShouldBe(meter);
        alert.Time("clearedAt").ShouldBeNull();
    }

    [Fact]
    public async Task A_reading_that_is_unusual_for_its_sensor_is_an_anomaly_and_history_teaches_what_is_usual()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        var start = api.Clock.GetUtcNow().AddDays(-6);
        var random = new Random(3);
        await AlertsApi.IngestAsync(member, sensor, Enumerable.Range(0, 500).Select(i => (start.AddMinutes(15 * i), 21 + random.NextDouble())));
        await AlertsApi.AddRuleAsync(member, sensor, new { type = "anomaly", sensitivity = 5 });
        await AlertsApi.IngestAsync(member, sensor, (start.AddMinutes(15 * 500), 21.4), (start.AddMinutes(15 * 501), 60), (start.AddMinutes(15 * 502), 21.5));
        var alert = await api.SingleAsync(member, "cleared_unacknowledged");
        alert.Time("raisedAt")!.Value.ShouldBe(start.AddMinutes(15 * 501), TimeSpan.FromMilliseconds(1));
        alert.GetProperty("value").GetDouble().ShouldBe(60);
        var problem = await (await member.PostAsync(AlertsApi.Rules, AlertsApi.Rule(sensor, new { type = "anomaly", sensitivity = 11 }))).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").TryGetProperty("condition.sensitivity", out _).ShouldBeTrue();
    }
}
