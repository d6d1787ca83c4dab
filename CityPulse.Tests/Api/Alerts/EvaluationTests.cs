using System.Net;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts;

/// <summary>From stored readings to alerts: judged on the readings' own time, whatever comes late, twice or corrected.</summary>
[Collection(nameof(AlertsApi))]
public sealed class EvaluationTests(AlertsApi api)
{
    private readonly DateTimeOffset _start = Whole(api.Clock.GetUtcNow().AddHours(-3));

    [Fact]
    public async Task An_alert_is_raised_and_cleared_at_the_readings_times_however_old_they_are()
    {
        var (member, building, sensor) = await api.WithSensorAsync();
        var rule = await AlertsApi.AddRuleAsync(member, sensor);
        await AlertsApi.IngestAsync(member, sensor, (_start, 20), (At(1), 31.5), (At(2), 32));
        var alert = await api.SingleAsync(member, "unacknowledged");
        alert.GetProperty("ruleId").GetGuid().ShouldBe(rule.GetProperty("id").GetGuid());
        alert.GetProperty("sensorId").GetGuid().ShouldBe(sensor);
        alert.GetProperty("buildingId").GetGuid().ShouldBe(building);
        alert.GetProperty("severity").GetString().ShouldBe("warning");
        alert.GetProperty("value").GetDouble().ShouldBe(31.5);
        alert.GetProperty("threshold").GetDouble().ShouldBe(30);
        alert.GetProperty("message").GetString().ShouldBe("Main meter: 31.5 Cel is > 30 Cel");
        alert.Time("raisedAt").ShouldBe(At(1));
        (await member.ReadAsync($"{Member.Buildings}/{building}/summary")).GetProperty("openAlerts").GetInt32().ShouldBe(1);

        await AlertsApi.IngestAsync(member, sensor, (At(3), 29));
        alert = await api.SingleAsync(member, "cleared_unacknowledged");
        alert.Time("clearedAt").ShouldBe(At(3));
        (await api.EventsAsync(member)).ShouldBe(["alert.raised", "alert.cleared"]);
        (await api.ScalarAsync<string[]>("SELECT topics FROM outbox WHERE organization_id = $1 AND type = 'alert.raised'", member.OrganizationId))
            .ShouldBe(["alerts", $"buildings/{building}/alerts"]);
    }

    [Fact]
    public async Task Readings_sent_twice_or_by_two_replicas_make_one_alert_an_episode()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        var other = await api.MemberAsync(organization: member.OrganizationId, replica: 1);
        await AlertsApi.AddRuleAsync(member, sensor);
        var readings = Enumerable.Range(0, 60).Select(i => (At(i), i / 10 % 2 == 0 ? 20.0 : 31 + i)).ToArray();
        // Each reading by itself, out of order, to both replicas at once.
        await Task.WhenAll(readings.Concat(readings).OrderBy(r => r.Item2 % 7).Chunk(8).Select((chunk, i) =>
            AlertsApi.IngestAsync(i % 2 == 0 ? member : other, sensor, chunk)));
        var alerts = await api.AlertsAsync(member);
        // Alerts that a half-known history showed may have been withdrawn meanwhile; what is left is the history.
        var told = await api.ScalarAsync<long>("SELECT count(*) FROM alerts WHERE organization_id = $1 AND NOT is_withdrawn", member.OrganizationId);
        told.ShouldBe(3);
        alerts.Count(a => a.State() == "cleared_unacknowledged").ShouldBe(2);
        alerts.Where(a => a.State() != "closed").Select(a => a.Time("raisedAt")).ShouldBe([At(10), At(30), At(50)]);
    }

    [Fact]
    public async Task Late_readings_end_a_past_alert_where_it_ended_and_raise_the_ones_that_were_missed()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor);
        await AlertsApi.IngestAsync(member, sensor, (At(0), 20), (At(10), 40), (At(20), 40), (At(30), 20));
        (await api.SingleAsync(member, "cleared_unacknowledged")).Time("clearedAt").ShouldBe(At(30));
        await AlertsApi.IngestAsync(member, sensor, (At(5), 35), (At(15), 20));

        var alerts = await api.AlertsAsync(member);
        alerts.Select(a => (a.Time("raisedAt"), a.Time("clearedAt"))).ShouldBe([(At(5), At(15)), (At(20), At(30))]);
        alerts.ShouldAllBe(a => a.State() == "cleared_unacknowledged");
        (await AlertsApi.HistoryAsync(member, alerts[0])).ShouldBe(["raised", "cleared", "corrected", "corrected"]);
        (await AlertsApi.HistoryAsync(member, alerts[1])).ShouldBe(["raised", "cleared"]);
    }

    [Fact]
    public async Task A_corrected_reading_withdraws_the_alert_and_another_correction_raises_a_new_one()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor);
        await AlertsApi.IngestAsync(member, sensor, (At(0), 20), (At(1), 95), (At(2), 20));
        await api.SingleAsync(member, "cleared_unacknowledged");
        await AlertsApi.IngestAsync(member, sensor, (At(1), 21));
        var withdrawn = await api.SingleAsync(member, "closed");
        (await AlertsApi.HistoryAsync(member, withdrawn)).ShouldBe(["raised", "cleared", "withdrawn"]);
        await AlertsApi.IngestAsync(member, sensor, (At(1), 41));
        (await api.AlertsAsync(member)).Select(a => a.State()).ShouldBe(["closed", "cleared_unacknowledged"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_rule_judges_the_newest_reading_at_once_and_older_ones_when_they_arrive()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        await AlertsApi.IngestAsync(member, sensor, (At(0), 50), (At(10), 20), (At(20), 60));
        await AlertsApi.AddRuleAsync(member, sensor);
        (await api.SingleAsync(member, "unacknowledged")).Time("raisedAt").ShouldBe(At(20));
        await AlertsApi.IngestAsync(member, sensor, (At(5), 45));
        (await api.AlertsAsync(member)).Select(a => a.Time("raisedAt")).ShouldBe([At(5), At(20)]);
    }

    [Fact]
    public async Task An_on_delay_is_ended_by_the_clock_and_survives_a_late_reading()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor, new Dictionary<string, object> { ["type"] = "threshold", ["operator"] = ">", ["value"] = 30, ["forSeconds"] = 300 });
        var now = Whole(api.Clock.GetUtcNow());
        await AlertsApi.IngestAsync(member, sensor, (now.AddSeconds(-200), 31));
        (await api.AlertsAsync(member)).ShouldBeEmpty();
        api.Clock.Advance(TimeSpan.FromSeconds(110));
        (await api.SingleAsync(member, "unacknowledged")).Time("raisedAt").ShouldBe(now.AddSeconds(100));
        await AlertsApi.IngestAsync(member, sensor, (now.AddSeconds(-100), 29));
        await api.SingleAsync(member, "closed");
    }

    [Fact]
    public async Task Silence_is_raised_by_the_clock_and_cleared_by_a_reading_also_where_none_ever_came()
    {
        var (member, building, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor, new { type = "no_data", afterSeconds = 120 });
        (await api.AlertsAsync(member)).ShouldBeEmpty();
        api.Clock.Advance(TimeSpan.FromSeconds(121));
        await api.SingleAsync(member, "unacknowledged");
        var now = Whole(api.Clock.GetUtcNow());
        await AlertsApi.IngestAsync(member, sensor, (now, 20));
        (await api.SingleAsync(member, "cleared_unacknowledged")).Time("clearedAt").ShouldBe(now);
        api.Clock.Advance(TimeSpan.FromSeconds(125));
        await Eventually.TrueAsync(async () => (await api.AlertsAsync(member)).Count == 2, "it is silent again");
        (await api.AlertsAsync(member))[1].Time("raisedAt").ShouldBe(now.AddSeconds(120));
    }

    [Fact]
    public async Task A_silent_building_is_one_alert_that_explains_its_sensors()
    {
        var (member, building, first) = await api.WithSensorAsync();
        var second = await AlertsApi.AddSensorAsync(member, building);
        var now = Whole(api.Clock.GetUtcNow());
        await AlertsApi.IngestAsync(member, first, (now, 20));
        await AlertsApi.IngestAsync(member, second, (now.AddSeconds(-30), 20));
        await AlertsApi.AddRuleAsync(member, first, new { type = "no_data", afterSeconds = 120 }, new { scope = new { buildingId = building } });
        api.Clock.Advance(TimeSpan.FromSeconds(100));
        var early = await api.SingleAsync(member, "unacknowledged");
        early.GetProperty("sensorId").GetGuid().ShouldBe(second, "one sensor alone is silent");

        api.Clock.Advance(TimeSpan.FromSeconds(30));
        await Eventually.TrueAsync(async () => (await api.AlertsAsync(member)).Count == 2, "the building is silent");
        var whole = (await api.AlertsAsync(member)).Single(a => a.State() == "unacknowledged");
        whole.GetProperty("sensorId").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        whole.GetProperty("buildingId").GetGuid().ShouldBe(building);
        whole.Time("raisedAt").ShouldBe(now.AddSeconds(120));
        (await AlertsApi.HistoryAsync(member, early)).ShouldBe(["raised", "suppressed"]);

        // One sensor is back: the building is not silent any more, and the other one's silence is its own again.
        var back = Whole(api.Clock.GetUtcNow());
        await AlertsApi.IngestAsync(member, first, (back, 20));
        await Eventually.TrueAsync(async () => (await api.AlertsAsync(member)).Count == 3, "the other sensor's silence is raised");
        var alerts = await api.AlertsAsync(member);
        alerts[1].State().ShouldBe("cleared_unacknowledged");
        alerts[1].Time("clearedAt").ShouldBe(back);
        alerts[2].GetProperty("sensorId").GetGuid().ShouldBe(second);
        alerts[2].Time("raisedAt").ShouldBe(back);
    }

    [Fact]
    public async Task Nothing_is_raised_in_maintenance_and_what_lasts_is_raised_at_its_end()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        var rule = await AlertsApi.AddRuleAsync(member, sensor, more: new { maintenance = new[] { new { from = At(0), to = At(30), reason = "Filters" } } });
        await AlertsApi.IngestAsync(member, sensor, (At(5), 40), (At(10), 20), (At(20), 50));
        (await api.SingleAsync(member, "unacknowledged")).Time("raisedAt").ShouldBe(At(30));

        // Without it, the same history shows two.
        await (await member.PatchAsync($"{AlertsApi.Rules}/{rule.GetProperty("id")}", new { maintenance = Array.Empty<object>() })).ReadAsync(HttpStatusCode.OK);
        await Eventually.TrueAsync(async () => (await api.AlertsAsync(member)).Count == 2, "the history is judged again");
        (await api.AlertsAsync(member)).Select(a => a.Time("raisedAt")).ShouldBe([At(5), At(20)]);
    }

    [Fact]
    public async Task A_sensor_that_comes_under_a_rule_is_judged_and_one_that_leaves_it_is_not()
    {
        var (member, building, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor, more: new { scope = new { tag = "roof" } });
        await AlertsApi.IngestAsync(member, sensor, (At(0), 40));
        (await api.AlertsAsync(member)).ShouldBeEmpty();
        await (await member.PatchAsync($"{Member.Sensors}/{sensor}", new { tags = new[] { "roof" } })).ReadAsync(HttpStatusCode.OK);
        await api.SingleAsync(member, "unacknowledged");
        await (await member.PatchAsync($"{Member.Sensors}/{sensor}", new { tags = Array.Empty<string>() })).ReadAsync(HttpStatusCode.OK);
        await api.SingleAsync(member, "closed");
        await AlertsApi.IngestAsync(member, sensor, (At(1), 20), (At(2), 40));
        await api.SingleAsync(member, "closed");
    }

    [Fact]
    public async Task Alerts_of_a_deleted_sensor_and_building_are_closed_and_stay_readable()
    {
        var (member, building, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor, more: new { scope = new { } });
        await AlertsApi.IngestAsync(member, sensor, (At(0), 40));
        var alert = await api.SingleAsync(member, "unacknowledged");
        (await member.DeleteAsync($"{Member.Sensors}/{sensor}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await api.SingleAsync(member, "closed");
        (await AlertsApi.HistoryAsync(member, alert)).ShouldBe(["raised", "retired"]);
        (await api.EventsAsync(member)).ShouldBe(["alert.raised", "alert.closed"]);

        var other = await AlertsApi.AddSensorAsync(member, building);
        await AlertsApi.IngestAsync(member, other, (At(0), 40));
        await Eventually.TrueAsync(async () => (await api.AlertsAsync(member)).Count == 2, "the other sensor is judged");
        (await member.DeleteAsync($"{Member.Buildings}/{building}?cascade=true")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await api.AlertsAsync(member)).ShouldAllBe(a => a.State() == "closed");
        (await api.ScalarAsync<long>("SELECT count(*) FROM alert_tracks WHERE organization_id = $1", member.OrganizationId)).ShouldBe(0);
    }

    [Fact]
    public async Task Other_organisations_and_sensors_without_a_rule_leave_no_work()
    {
        var (member, building, sensor) = await api.WithSensorAsync();
        var unwatched = await AlertsApi.AddSensorAsync(member, building);
        await AlertsApi.AddRuleAsync(member, sensor);
        await api.JudgedAsync(member);
        await AlertsApi.IngestAsync(member, unwatched, (At(0), 99));
        var (stranger, _, foreign) = await api.WithSensorAsync();
        await AlertsApi.IngestAsync(stranger, foreign, (At(0), 99));
        (await api.AlertsAsync(member)).ShouldBeEmpty();
        (await api.AlertsAsync(stranger)).ShouldBeEmpty();
        (await api.ScalarAsync<long>("SELECT count(*) FROM alert_tracks WHERE subject_id IN ($1, $2)", unwatched, foreign)).ShouldBe(0);
    }

    private DateTimeOffset At(int minutes) => _start.AddMinutes(minutes);

    private static DateTimeOffset Whole(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
}
