using System.Net;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts;

[Collection(nameof(AlertsApi))]
public sealed class RuleApiTests(AlertsApi api)
{
    [Fact]
    public async Task A_rule_is_created_read_listed_changed_and_deleted()
    {
        var (member, _, sensor) = await api.WithSensorAsync(Role.Manager);
        var answer = await member.PostAsync(AlertsApi.Rules, AlertsApi.Rule(sensor, more: new { message = "Call the caretaker" }), ("Idempotency-Key", "one"));
        var rule = await answer.ReadAsync(HttpStatusCode.Created);
        var path = answer.Headers.Location!.ToString();
        path.ShouldBe($"{AlertsApi.Rules}/{rule.GetProperty("id").GetGuid()}");
        answer.Headers.ETag.ShouldNotBeNull();
        rule.GetProperty("enabled").GetBoolean().ShouldBeTrue();
        rule.GetProperty("condition").ToString().ShouldBe("""{"type":"threshold","operator":">","value":30}""");
        rule.GetProperty("scope").GetProperty("sensorId").GetGuid().ShouldBe(sensor);
        rule.GetProperty("maintenance").GetArrayLength().ShouldBe(0);

        var again = await member.PostAsync(AlertsApi.Rules, AlertsApi.Rule(sensor, more: new { message = "Call the caretaker" }), ("Idempotency-Key", "one"));
        (await again.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid().ShouldBe(rule.GetProperty("id").GetGuid());
        again.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);

        (await member.GetAsync(path, ("If-None-Match", answer.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await member.ReadAllAsync(AlertsApi.Rules, limit: 1)).ShouldHaveSingleItem();
        (await member.ReadAllAsync(AlertsApi.Rules + "?enabled=false")).ShouldBeEmpty();

        (await member.PatchAsync(path, new { severity = "critical" }, ifMatch: null)).StatusCode.ShouldBe(HttpStatusCode.PreconditionRequired);
        var patched = await (await member.PatchAsync(path, new { severity = "critical", condition = new { value = 35 } })).ReadAsync(HttpStatusCode.OK);
        patched.GetProperty("condition").GetProperty("value").GetDouble().ShouldBe(35);
        patched.GetProperty("condition").GetProperty("operator").GetString().ShouldBe(">");
        (await member.PatchAsync(path, new { enabled = false }, ifMatch: answer.Headers.ETag!.ToString())).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        var retyped = await (await member.PatchAsync(path, new { condition = new { type = "no_data", afterSeconds = 60 } })).ReadAsync(HttpStatusCode.OK);
        retyped.GetProperty("condition").ToString().ShouldBe("""{"type":"no_data","afterSeconds":60}""");
        await (await member.PutAsync(path, retyped.ToString())).ReadAsync(HttpStatusCode.OK);
        await (await member.PutAsync(path, AlertsApi.Rule(sensor))).ReadAsync(HttpStatusCode.OK);

        (await member.DeleteAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await (await member.GetAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);
        await (await member.DeleteAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);
    }

    public static TheoryData<string, string?, string> Wrong => new()
    {
        { "name", null, "name" },
        { "name", "\" \"", "name" },
        { "severity", "\"fatal\"", "severity" },
        { "severity", null, "severity" },
        { "scope", null, "scope" },
        { "scope", """{ "sensorId": "0195b000-0000-7000-8000-000000000000" }""", "scope.sensorId" },
        { "scope", """{ "buildingId": "0195b000-0000-7000-8000-000000000000" }""", "scope.buildingId" },
        { "scope", """{ "quantity": "happiness" }""", "scope.quantity" },
        { "scope", """{ "tag": "" }""", "scope.tag" },
        { "scope", """{ "colour": "red" }""", "scope.colour" },
        { "condition", null, "condition" },
        { "condition", """{ "type": "magic" }""", "condition.type" },
        { "condition", """{ "operator": ">", "value": 1 }""", "condition.type" },
        { "condition", """{ "type": "threshold", "value": 1 }""", "condition.operator" },
        { "condition", """{ "type": "threshold", "operator": "=", "value": 1 }""", "condition.operator" },
        { "condition", """{ "type": "threshold", "operator": ">", "value": "1" }""", "condition.value" },
        { "condition", """{ "type": "threshold", "operator": ">", "value": 1, "hysteresis": -1 }""", "condition.hysteresis" },
        { "condition", """{ "type": "threshold", "operator": ">", "value": 1, "forSeconds": -1 }""", "condition.forSeconds" },
        { "condition", """{ "type": "threshold", "operator": ">", "value": 1, "afterSeconds": 5 }""", "condition.afterSeconds" },
        { "condition", """{ "type": "threshold", "operator": ">", "value": 1e999 }""", "condition.value" },
        { "condition", """{ "type": "rate_of_change", "value": 1 }""", "condition.perMinutes" },
        { "condition", """{ "type": "rate_of_change", "value": 0, "perMinutes": 5 }""", "condition.value" },
        { "condition", """{ "type": "no_data" }""", "condition.afterSeconds" },
        { "condition", """{ "type": "no_data", "afterSeconds": 0 }""", "condition.afterSeconds" },
        { "condition", """{ "type": "all", "conditions": [] }""", "condition.conditions" },
        { "condition", """{ "type": "any", "conditions": [ { "type": "no_data", "afterSeconds": 60 }, { "type": "threshold" } ] }""", "condition.conditions[1].operator" },
        { "condition", """{ "type": "any", "conditions": [ null ] }""", "condition.conditions[0]" },
        { "maintenance", """[ { "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z" } ]""", "maintenance[0].to" },
        { "maintenance", """[ { "from": "2026-01-02T00:00:00Z" } ]""", "maintenance[0].to" },
        { "colour", "\"red\"", "colour" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public async Task A_bad_rule_is_refused_by_the_path_of_what_is_wrong(string member, string? json, string path)
    {
        var (manager, _, sensor) = await api.WithSensorAsync(Role.Manager);
        var body = Valid.With(AlertsApi.Rule(sensor), member, json);
        var text = JsonSerializer.Serialize(body, JsonSerializerOptions.Web).Replace("\"value\":\"Infinity\"", "\"value\":1e999", StringComparison.Ordinal);
        var problem = await (await manager.PostAsync(AlertsApi.Rules, text)).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldContain(path);
        (await manager.ReadAllAsync(AlertsApi.Rules)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_foreign_sensor_reads_like_a_missing_one_and_a_foreign_rule_too()
    {
        var (owner, _, sensor) = await api.WithSensorAsync();
        var rule = await AlertsApi.AddRuleAsync(owner, sensor);
        var (stranger, _, _) = await api.WithSensorAsync();
        var problem = await (await stranger.PostAsync(AlertsApi.Rules, AlertsApi.Rule(sensor))).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").GetProperty("scope.sensorId")[0].GetString().ShouldBe("There is no such sensor.");
        var path = $"{AlertsApi.Rules}/{rule.GetProperty("id")}";
        await (await stranger.GetAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);
        await (await stranger.PatchAsync(path, new { enabled = false })).ReadProblemAsync(HttpStatusCode.NotFound);
        await (await stranger.DeleteAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Users_read_rules_and_only_managers_write_them()
    {
        var (manager, _, sensor) = await api.WithSensorAsync(Role.Manager);
        var rule = await AlertsApi.AddRuleAsync(manager, sensor);
        var path = $"{AlertsApi.Rules}/{rule.GetProperty("id")}";
        var user = await api.MemberAsync(Role.User, manager.OrganizationId);
        await user.ReadAsync(path);
        await (await user.PostAsync(AlertsApi.Rules, "{}")).ReadProblemAsync(HttpStatusCode.Forbidden);
        await (await user.PostAsync(AlertsApi.Rules + "/preview", "{}")).ReadProblemAsync(HttpStatusCode.Forbidden);
        await (await user.PatchAsync(path, new { enabled = false })).ReadProblemAsync(HttpStatusCode.Forbidden);
        await (await user.DeleteAsync(path)).ReadProblemAsync(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Disabling_editing_and_deleting_a_rule_close_its_open_alerts_and_judge_afresh()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        var rule = await AlertsApi.AddRuleAsync(member, sensor);
        var path = $"{AlertsApi.Rules}/{rule.GetProperty("id")}";
        await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow().AddMinutes(-10), 40));
        await api.SingleAsync(member, "unacknowledged");

        await (await member.PatchAsync(path, new { enabled = false })).ReadAsync(HttpStatusCode.OK);
        var first = await api.SingleAsync(member, "closed");
        (await AlertsApi.HistoryAsync(member, first)).ShouldBe(["raised", "retired"]);
        await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow().AddMinutes(-9), 41));
        (await api.AlertsAsync(member)).Count.ShouldBe(1);

        await (await member.PatchAsync(path, new { enabled = true })).ReadAsync(HttpStatusCode.OK);
        await Eventually.TrueAsync(async () => (await api.AlertsAsync(member)).Count == 2, "the newest reading is judged again");
        await (await member.PatchAsync(path, new { name = "Much too warm", severity = "critical" })).ReadAsync(HttpStatusCode.OK);
        (await api.AlertsAsync(member)).Select(a => a.State()).ShouldBe(["closed", "unacknowledged"]);
        await (await member.PatchAsync(path, new { condition = new { value = 50 } })).ReadAsync(HttpStatusCode.OK);
        (await api.AlertsAsync(member)).ShouldAllBe(a => a.State() == "closed");
        await (await member.PatchAsync(path, new { condition = new { value = 35 } })).ReadAsync(HttpStatusCode.OK);
        await Eventually.TrueAsync(async () => (await api.AlertsAsync(member)).Count == 3, "it holds under the other limit");
        (await member.DeleteAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await api.AlertsAsync(member)).ShouldAllBe(a => a.State() == "closed");
    }

    [Fact]
    public async Task A_preview_tells_what_the_live_rule_tells()
    {
        var (member, building, sensor) = await api.WithSensorAsync();
        var start = new DateTimeOffset(api.Clock.GetUtcNow().AddDays(-1).Date, TimeSpan.Zero);
        var random = new Random(11);
        var readings = Enumerable.Range(0, 600).Select(i => (start.AddSeconds(20 * i), Math.Round(25 + (random.NextDouble() * 10), 1))).ToArray();
        object[] conditions =
        [
            new Dictionary<string, object> { ["type"] = "threshold", ["operator"] = ">", ["value"] = 30, ["hysteresis"] = 2, ["forSeconds"] = 30 },
            new { type = "rate_of_change", perMinutes = 1, value = 6, offDelaySeconds = 45 },
            new { type = "no_data", afterSeconds = 15 },
        ];
        foreach (var condition in conditions)
        {
            await AlertsApi.AddRuleAsync(member, sensor, condition);
        }

        // Live, in pieces and out of order.
        foreach (var piece in readings.Chunk(50).OrderBy(_ => random.Next()))
        {
            await AlertsApi.IngestAsync(member, sensor, piece);
        }

        await api.JudgedAsync(member);
        var rules = await member.ReadAllAsync(AlertsApi.Rules);
        foreach (var rule in rules)
        {
            var preview = await (await member.PostAsync(AlertsApi.Rules + "/preview", new
            {
                rule = new { scope = new { sensorId = sensor }, condition = rule.GetProperty("condition") }, from = start, to = api.Clock.GetUtcNow(),
            })).ReadAsync(HttpStatusCode.OK);
            var would = preview.GetProperty("alerts").EnumerateArray().Select(Told).ToList();
            var live = (await api.AlertsAsync(member, $"?ruleId={rule.GetProperty("id")}")).Where(a => a.State() != "closed").Select(Told).ToList();
            would.ShouldBe(live);
            would.Count.ShouldBeGreaterThan(20);
            preview.GetProperty("count").GetInt32().ShouldBe(would.Count);
            preview.GetProperty("timeInAlarmSeconds").GetDouble().ShouldBeGreaterThan(0);
            preview.GetProperty("readings").GetInt64().ShouldBe(600);
        }

        static (DateTimeOffset?, DateTimeOffset?, double, int) Told(JsonElement alert) =>
            (alert.Time("raisedAt"), alert.Time("clearedAt"), alert.GetProperty("value").GetDouble(), alert.GetProperty("occurrences").GetInt32());
    }

    [Fact]
    public async Task A_preview_raises_nothing_and_refuses_by_path()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        var problem = await (await member.PostAsync(AlertsApi.Rules + "/preview", new { rule = new { scope = new { }, condition = new { type = "no_data" } } }))
            .ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldBe(["rule.condition.afterSeconds", "from"], ignoreOrder: true);
        await (await member.PostAsync(AlertsApi.Rules + "/preview", new { from = "2026-01-01T00:00:00Z" })).ReadProblemAsync(HttpStatusCode.BadRequest);
        await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow().AddHours(-1), 99));
        var preview = await (await member.PostAsync(AlertsApi.Rules + "/preview", new { rule = AlertsApi.Rule(sensor), from = api.Clock.GetUtcNow().AddDays(-1) }))
            .ReadAsync(HttpStatusCode.OK);
        preview.GetProperty("alerts").GetArrayLength().ShouldBe(1);
        preview.GetProperty("suggestedHysteresis").ValueKind.ShouldBe(JsonValueKind.Null);
        (await api.AlertsAsync(member)).ShouldBeEmpty();
    }
}
