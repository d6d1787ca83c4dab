using System.Net;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts;

/// <summary>What people do with alerts.</summary>
[Collection(nameof(AlertsApi))]
public sealed class AlertApiTests(AlertsApi api)
{
    [Fact]
    public async Task An_alert_is_acknowledged_once_and_closes_by_itself_when_the_readings_are_back_to_normal()
    {
        var (member, sensor, path) = await WithAlertAsync();
        var user = await api.MemberAsync(Role.User, member.OrganizationId);
        var answer = await user.PostAsync(path + "/acknowledge", new { comment = "On my way" });
        var alert = await answer.ReadAsync(HttpStatusCode.OK);
        alert.State().ShouldBe("acknowledged");
        alert.GetProperty("acknowledgedBy").ValueKind.ShouldBe(JsonValueKind.String);
        alert.Time("acknowledgedAt").ShouldNotBeNull();
        answer.Headers.ETag.ShouldNotBeNull();
        alert.GetProperty("version").GetInt32().ShouldBe(2);

        var conflict = await (await user.PostAsync(path + "/acknowledge", "{}")).ReadProblemAsync(HttpStatusCode.Conflict);
        conflict.GetProperty("detail").GetString()!.ShouldContain("acknowledged");
        await AlertsApi.IngestAsync(member, sensor, (Recently(-4), 20));
        var closed = await api.SingleAsync(member, "closed");
        closed.Time("clearedAt").ShouldBe(Recently(-4));
        closed.Time("closedAt").ShouldNotBeNull();
        (await AlertsApi.HistoryAsync(member, closed)).ShouldBe(["raised", "acknowledged", "cleared"]);
        (await api.EventsAsync(member)).ShouldBe(["alert.raised", "alert.acknowledged", "alert.cleared", "alert.closed"]);
        var history = (await member.ReadAsync(path)).GetProperty("history");
        history[1].GetProperty("comment").GetString().ShouldBe("On my way");
        history[1].GetProperty("by").GetGuid().ShouldBe(alert.GetProperty("acknowledgedBy").GetGuid());
        history[0].GetProperty("by").ValueKind.ShouldBe(JsonValueKind.Null);
        history[0].GetProperty("at").GetDateTimeOffset().ShouldBe(Recently(-5));
    }

    [Fact]
    public async Task Back_to_normal_and_then_acknowledged_is_closed_as_well()
    {
        var (member, sensor, path) = await WithAlertAsync();
        await AlertsApi.IngestAsync(member, sensor, (Recently(-4), 20));
        await api.SingleAsync(member, "cleared_unacknowledged");
        (await (await member.PostAsync(path + "/acknowledge", "{}")).ReadAsync(HttpStatusCode.OK)).State().ShouldBe("closed");
        (await member.SendAsync(HttpMethod.Post, path + "/acknowledge")).StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task An_act_may_name_the_version_that_it_is_about()
    {
        var (member, _, path) = await WithAlertAsync();
        var etag = (await member.GetAsync(path)).Headers.ETag!.ToString();
        (await member.GetAsync(path, ("If-None-Match", etag))).StatusCode.ShouldBe(HttpStatusCode.NotModified);
        await (await member.PostAsync(path + "/comment", new { comment = "Hm" }, ("If-Match", etag))).ReadAsync(HttpStatusCode.OK);
        await (await member.PostAsync(path + "/acknowledge", "{}", ("If-Match", etag))).ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        await (await member.PostAsync(path + "/acknowledge", "{}", ("If-Match", "nonsense"))).ReadProblemAsync(HttpStatusCode.BadRequest);
        (await member.SendAsync(HttpMethod.Post, path + "/acknowledge")).StatusCode.ShouldBe(HttpStatusCode.OK, "it needs no body");
    }

    [Fact]
    public async Task A_shelved_alert_is_announced_again_when_its_time_ends()
    {
        var (member, sensor, path) = await WithAlertAsync();
        var shelved = await (await member.PostAsync(path + "/shelve", new { minutes = 30, reason = "Being repaired" })).ReadAsync(HttpStatusCode.OK);
        shelved.State().ShouldBe("unacknowledged");
        shelved.Time("shelvedUntil").ShouldNotBeNull();
        (await api.AlertsAsync(member, "?state=shelved")).ShouldHaveSingleItem();
        var conflict = await (await member.PostAsync(path + "/shelve", new { minutes = 30, reason = "Again" })).ReadProblemAsync(HttpStatusCode.Conflict);
        conflict.GetProperty("detail").GetString()!.ShouldContain("unacknowledged and shelved");

        // Judging goes on meanwhile, and an episode that begins on the shelf stays there.
        await AlertsApi.IngestAsync(member, sensor, (Recently(-4), 20), (Recently(-3), 50));
        var alerts = await api.AlertsAsync(member);
        alerts.Select(a => a.State()).ShouldBe(["cleared_unacknowledged", "unacknowledged"]);
        alerts[1].Time("shelvedUntil").ShouldBe(shelved.Time("shelvedUntil"));

        api.Clock.Advance(TimeSpan.FromMinutes(31));
        await Eventually.TrueAsync(async () => (await api.AlertsAsync(member, "?state=shelved")).Count == 0, "the shelf is empty");
        (await AlertsApi.HistoryAsync(member, alerts[1])).ShouldBe(["raised", "shelved", "unshelved"]);
        var events = await api.EventsAsync(member);
        events.Take(5).ShouldBe(["alert.raised", "alert.shelved", "alert.cleared", "alert.raised", "alert.shelved"]);
        events.Skip(5).ShouldBe(["alert.shelved", "alert.raised"], ignoreOrder: true);
    }

    [Fact]
    public async Task Unshelving_and_closing_are_acts_of_managers()
    {
        var (manager, sensor, path) = await WithAlertAsync(Role.Manager);
        var user = await api.MemberAsync(Role.User, manager.OrganizationId);
        foreach (var act in (string[])["shelve", "unshelve", "close"])
        {
            await (await user.PostAsync($"{path}/{act}", "{}")).ReadProblemAsync(HttpStatusCode.Forbidden);
        }

        await (await manager.SendAsync(HttpMethod.Post, path + "/unshelve")).ReadProblemAsync(HttpStatusCode.Conflict);
        await (await manager.PostAsync(path + "/shelve", new { minutes = 5, reason = "Noise" })).ReadAsync(HttpStatusCode.OK);
        (await (await manager.SendAsync(HttpMethod.Post, path + "/unshelve")).ReadAsync(HttpStatusCode.OK)).Time("shelvedUntil").ShouldBeNull();
        (await (await manager.PostAsync(path + "/close", new { comment = "A test" })).ReadAsync(HttpStatusCode.OK)).State().ShouldBe("closed");
        await (await manager.SendAsync(HttpMethod.Post, path + "/close")).ReadProblemAsync(HttpStatusCode.Conflict);
        await (await manager.PostAsync(path + "/comment", new { comment = "Afterwards" })).ReadAsync(HttpStatusCode.OK);
        await AlertsApi.IngestAsync(manager, sensor, (Recently(-4), 41));
        await api.SingleAsync(manager, "closed");
        await AlertsApi.IngestAsync(manager, sensor, (Recently(-3), 20), (Recently(-2), 42));
        (await api.AlertsAsync(manager)).Select(a => a.State()).ShouldBe(["closed", "unacknowledged"], "the next episode is an alert of its own");
        (await api.EventsAsync(manager)).ShouldBe(
            ["alert.raised", "alert.shelved", "alert.raised", "alert.closed", "alert.commented", "alert.raised"]);
    }

    [Theory]
    [InlineData("comment", "{}", "comment")]
    [InlineData("comment", """{ "comment": " " }""", "comment")]
    [InlineData("comment", """{ "comment": "a", "colour": "red" }""", "colour")]
    [InlineData("acknowledge", """{ "comment": 5 }""", "comment")]
    [InlineData("shelve", "{}", "minutes")]
    [InlineData("shelve", """{ "minutes": 0, "reason": "x" }""", "minutes")]
    [InlineData("shelve", """{ "minutes": 1441, "reason": "x" }""", "minutes")]
    [InlineData("shelve", """{ "minutes": 10 }""", "reason")]
    [InlineData("shelve", """{ "minutes": "10", "reason": "x" }""", "minutes")]
    public async Task Bad_bodies_are_refused_by_path_and_change_nothing(string act, string body, string path)
    {
        var (member, _, alert) = await WithAlertAsync();
        var problem = await (await member.PostAsync($"{alert}/{act}", body)).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldContain(path);
        (await member.ReadAsync(alert)).GetProperty("version").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Foreign_and_missing_alerts_are_the_same_404_for_every_act()
    {
        var (_, _, path) = await WithAlertAsync();
        var stranger = await api.MemberAsync();
        foreach (var alert in (string[])[path, $"{AlertsApi.Route}/{Guid.CreateVersion7()}"])
        {
            await (await stranger.GetAsync(alert)).ReadProblemAsync(HttpStatusCode.NotFound);
            foreach (var (act, body) in ((string, string)[])
                [("acknowledge", "{}"), ("comment", """{ "comment": "x" }"""), ("shelve", """{ "minutes": 5, "reason": "x" }"""), ("unshelve", "{}"), ("close", "{}")])
            {
                (await (await stranger.PostAsync($"{alert}/{act}", body)).ReadProblemAsync(HttpStatusCode.NotFound))
                    .GetProperty("detail").GetString().ShouldBe("There is no such alert.");
            }
        }

        (await api.AlertsAsync(stranger)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_list_is_filtered_and_turns_pages_while_alerts_come()
    {
        var (member, building, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor, more: new { severity = "critical" });
        await AlertsApi.IngestAsync(member, sensor, Enumerable.Range(0, 10).Select(i => (Recently(-60 + i), i % 2 == 0 ? 40.0 : 20)));
        var all = await api.AlertsAsync(member);
        all.Count.ShouldBe(5);
        (await member.ReadAllAsync(AlertsApi.Route, limit: 2)).Select(a => a.GetProperty("id").GetGuid())
            .ShouldBe(Enumerable.Reverse(all).Select(a => a.GetProperty("id").GetGuid()));
        await CountAsync("?severity=critical", 5);
        await CountAsync("?severity=info", 0);
        await CountAsync("?state=cleared_unacknowledged", 5);
        await CountAsync("?state=closed", 0);
        await CountAsync($"?buildingId={building}", 5);
        await CountAsync($"?buildingId={Guid.CreateVersion7()}", 0);
        await CountAsync($"?sensorId={sensor}", 5);
        await CountAsync($"?from={Recently(-58):yyyy-MM-ddTHH:mm:ss}Z&to={Recently(-54):yyyy-MM-ddTHH:mm:ss}Z", 2);
        foreach (var query in (string[])["?state=loud", "?severity=fatal", "?from=yesterday", "?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "?limit=0", "?cursor=x", "?sensorId=7"])
        {
            await (await member.GetAsync(AlertsApi.Route + query)).ReadProblemAsync(HttpStatusCode.BadRequest);
        }

        async Task CountAsync(string query, int expected) => (await api.AlertsAsync(member, query)).Count.ShouldBe(expected, query);
    }

    [Fact]
    public async Task Statistics_tell_rate_chattering_and_the_busiest_sources()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        var rule = await AlertsApi.AddRuleAsync(member, sensor);
        await AlertsApi.IngestAsync(member, sensor, Enumerable.Range(0, 24).Select(i => (Recently(-60).AddSeconds(5 * i), i % 2 == 0 ? 40.0 : 20)));
        await api.JudgedAsync(member);
        var figures = await member.ReadAsync($"{AlertsApi.Route}/statistics?from={Recently(-60):yyyy-MM-ddTHH:mm:ss}Z&to={Recently(0):yyyy-MM-ddTHH:mm:ss}Z");
        figures.GetProperty("alerts").GetInt32().ShouldBe(12);
        figures.GetProperty("alertsPer10Minutes").GetDouble().ShouldBe(2);
        figures.GetProperty("floodSeconds").GetDouble().ShouldBe(600);
        figures.GetProperty("chatteringAlerts").GetInt32().ShouldBe(12);
        figures.GetProperty("stale").GetInt32().ShouldBe(0);
        var top = figures.GetProperty("topTen")[0];
        top.GetProperty("ruleId").GetGuid().ShouldBe(rule.GetProperty("id").GetGuid());
        top.GetProperty("ruleName").GetString().ShouldBe("Too warm");
        top.GetProperty("subjectName").GetString().ShouldBe("Main meter");
        top.GetProperty("alerts").GetInt32().ShouldBe(12);
        await (await member.GetAsync($"{AlertsApi.Route}/statistics?from=soon")).ReadProblemAsync(HttpStatusCode.BadRequest);

        await Eventually.TrueAsync(
            async () =>
            {
                var metrics = await Task.WhenAll(api.Hosts.Select(async host =>
                {
                    using var client = host.CreateInternalClient();
                    return await client.GetStringAsync("/metrics");
                }));
                return metrics.Any(m => System.Text.RegularExpressions.Regex.IsMatch(m, @"citypulse_alerts_raised_total\S* [1-9]"))
                    && metrics.Any(m => m.Contains("citypulse_alerts_open", StringComparison.Ordinal));
            },
            "the metrics tell of alerts");
    }

    private async Task<(Member Member, Guid Sensor, string Path)> WithAlertAsync(Role role = Role.Admin)
    {
        var (member, _, sensor) = await api.WithSensorAsync(role);
        await AlertsApi.AddRuleAsync(member, sensor);
        await AlertsApi.IngestAsync(member, sensor, (Recently(-5), 40));
        return (member, sensor, $"{AlertsApi.Route}/{(await api.SingleAsync(member, "unacknowledged")).GetProperty("id").GetGuid()}");
    }

    private readonly DateTimeOffset _now = new(api.Clock.GetUtcNow().UtcTicks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, TimeSpan.Zero);

    private DateTimeOffset Recently(int minutes) => _now.AddMinutes(minutes);
}
