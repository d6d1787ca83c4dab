using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Channels;

/// <summary>Alerts that nobody acknowledges, and many at once; the clock is set forward.</summary>
[Collection(nameof(AlertsApi))]
public sealed class EscalationTests(AlertsApi api)
{
    private const string Channels = AlertsApi.Route + "/channels";

    [Fact]
    public async Task What_nobody_acknowledges_in_time_is_escalated_once_and_its_further_course_is_told()
    {
        await using var receiver = await Receiver.StartAsync();
        var (member, _, sensor) = await api.WithSensorAsync();
        var channel = await AddAsync(member, receiver, new { escalateAfterMinutes = 15 });
        var alert = await RaiseAsync(member, sensor);
        await Eventually.TrueAsync(async () => (await OfAlertAsync(member, alert)).Count == 1, "it is planned");
        var planned = (await OfAlertAsync(member, alert)).Single();
        planned.State("type").ShouldBe("alert.escalated");
        planned.State("status").ShouldBe("pending");
        planned.GetProperty("attempts").GetArrayLength().ShouldBe(0);
        var due = planned.GetProperty("nextAttemptAt").GetDateTimeOffset();
        (due - planned.GetProperty("createdAt").GetDateTimeOffset()).ShouldBe(TimeSpan.FromMinutes(15));
        receiver.Seen.ShouldBeEmpty();

        api.Clock.Advance(TimeSpan.FromMinutes(16));
        await Eventually.TrueAsync(() => receiver.Seen.Count == 1, "it was escalated");
        var told = receiver.Seen[0].Event;
        told.State("type").ShouldBe("alert.escalated");
        told.State("id").ShouldBe(planned.State("eventId"));
        told.GetProperty("at").GetDateTimeOffset().ShouldBe(due, TimeSpan.FromMilliseconds(1));
        told.GetProperty("data").GetProperty("id").GetGuid().ShouldBe(alert);

        await (await member.PostAsync($"{AlertsApi.Route}/{alert}/acknowledge", "{}")).ReadAsync(HttpStatusCode.OK);
        await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow().AddMinutes(-1), 20));
        await Eventually.TrueAsync(() => receiver.Seen.Count == 4, "its end was told");
        receiver.Seen.Select(r => r.Event.State("type")).ShouldBe(["alert.escalated", "alert.acknowledged", "alert.cleared", "alert.closed"], ignoreOrder: true);
        (await member.ReadAllAsync($"{Channels}/{channel}/deliveries")).Count.ShouldBe(4);
    }

    [Theory]
    [InlineData("acknowledge", "{}")]
    [InlineData("shelve", """{"minutes":60,"reason":"Being repaired"}""")]
    [InlineData("close", "{}")]
    [InlineData("clear", "")]
    public async Task What_somebody_has_seen_to_in_time_is_not_escalated(string act, string body)
    {
        await using var receiver = await Receiver.StartAsync();
        var (member, _, sensor) = await api.WithSensorAsync();
        await AddAsync(member, receiver, new { escalateAfterMinutes = 15 });
        var alert = await RaiseAsync(member, sensor);
        await Eventually.TrueAsync(async () => (await OfAlertAsync(member, alert)).Count == 1, "it is planned");
        if (act == "clear")
        {
            await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow().AddSeconds(-30), 20));
            await api.SingleAsync(member, "cleared_unacknowledged");
        }
        else
        {
            await (await member.PostAsync($"{AlertsApi.Route}/{alert}/{act}", body)).ReadAsync(HttpStatusCode.OK);
        }

        (await OfAlertAsync(member, alert)).ShouldBeEmpty();
        if (act == "shelve")
        {
            // What is announced again is planned again.
            await (await member.PostAsync($"{AlertsApi.Route}/{alert}/unshelve", "{}")).ReadAsync(HttpStatusCode.OK);
            (await OfAlertAsync(member, alert)).ShouldHaveSingleItem().State("status").ShouldBe("pending");
        }

        receiver.Seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_flood_comes_as_ten_messages_and_one_with_all_the_others()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var program = await Receiver.StartAsync();
        var (member, building, sensor) = await api.WithSensorAsync();
        var channel = await AddAsync(member, receiver, new { groupFloods = true });
        await AddAsync(member, program, null);
        await AlertsApi.AddRuleAsync(member, sensor, more: new { scope = new { buildingId = building } });
        List<Guid> sensors = [sensor];
        while (sensors.Count < 25)
        {
            sensors.Add(await AlertsApi.AddSensorAsync(member, building));
        }

        var at = api.Clock.GetUtcNow().AddMinutes(-1);
        await (await member.PostAsync(Member.Sensors + "/readings", new { readings = sensors.Select(s => new { sensor = s, at, value = 41 }) })).ReadAsync(HttpStatusCode.OK);
        await Eventually.TrueAsync(() => program.Seen.Count == 25, "whoever did not ask for it gets every event");
        await Eventually.TrueAsync(() => receiver.Seen.Count == 10, "the first ten have come one by one");
        var gathered = await member.ReadAllAsync($"{Channels}/{channel}/deliveries?status=gathered");
        gathered.Count.ShouldBe(15);

        // What happens to one of them meanwhile is not told on its own either.
        var seen = gathered[0].GetProperty("alertId").GetGuid();
        await (await member.PostAsync($"{AlertsApi.Route}/{seen}/acknowledge", "{}")).ReadAsync(HttpStatusCode.OK);
        api.Clock.Advance(TimeSpan.FromSeconds(61));
        await Eventually.TrueAsync(() => receiver.Seen.Count == 11, "the others have come as one");
        var flood = receiver.Seen[10].Event;
        flood.State("type").ShouldBe("alert.flood");
        var data = flood.GetProperty("data");
        data.GetProperty("alerts").GetInt32().ShouldBe(15);
        data.GetProperty("warning").GetInt32().ShouldBe(15);
        var items = data.GetProperty("items").EnumerateArray().ToDictionary(i => i.GetProperty("id").GetGuid(), i => i.State());
        items[seen].ShouldBe("acknowledged");
        var single = receiver.Seen.Take(10).Select(r => r.Event.GetProperty("data").GetProperty("id").GetGuid());
        items.Keys.Concat(single).Distinct().Count().ShouldBe(25, "every alert was told");

        var group = (await member.ReadAllAsync($"{Channels}/{channel}/deliveries?status=grouped")).ConvertAll(d => d.GetProperty("groupId").GetGuid()).Distinct().ShouldHaveSingleItem();
        (await OfAlertAsync(member, seen, channel)).ShouldAllBe(d => d.State("status") == "grouped" && d.GetProperty("groupId").GetGuid() == group);
        await Eventually.TrueAsync(
            async () => (await member.ReadAllAsync($"{Channels}/{channel}/deliveries?status=delivered")).Exists(d => d.GetProperty("id").GetGuid() == group), "it is noted");

        // Once it is over, alerts come one by one again.
        api.Clock.Advance(TimeSpan.FromMinutes(11));
        await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow().AddMinutes(-2), 20));
        await Eventually.TrueAsync(() => receiver.Seen.Count == 12 && receiver.Seen[11].Event.State("type") == "alert.cleared", "the end of one is told");
    }

    [Theory]
    [InlineData("""{"escalateAfterMinutes":0}""", "escalateAfterMinutes")]
    [InlineData("""{"escalateAfterMinutes":10081}""", "escalateAfterMinutes")]
    [InlineData("""{"groupFloods":"yes"}""", "groupFloods")]
    public async Task Impossible_settings_are_refused(string change, string member)
    {
        var admin = await api.MemberAsync();
        var channel = await AddMailAsync(admin);
        channel.GetProperty("groupFloods").GetBoolean().ShouldBeTrue("people are spared floods by default");
        channel.GetProperty("escalateAfterMinutes").ValueKind.ShouldBe(JsonValueKind.Null);
        var problem = await (await admin.PatchAsync($"{Channels}/{channel.GetProperty("id").GetGuid()}", change)).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").TryGetProperty(member, out _).ShouldBeTrue();
    }

    private static async Task<JsonElement> AddMailAsync(Member member) =>
        await (await member.PostAsync(Channels, new { name = "Mail", type = "email", to = "ops@example.org", minSeverity = "info" })).ReadAsync(HttpStatusCode.Created);

    private static async Task<Guid> AddAsync(Member member, Receiver receiver, object? more)
    {
        var body = Valid.With(new Dictionary<string, object?> { ["name"] = "Hook", ["type"] = "webhook", ["url"] = receiver.Url, ["minSeverity"] = "warning" }, more);
        return (await (await member.PostAsync(Channels, body)).ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
    }

    private async Task<Guid> RaiseAsync(Member member, Guid sensor)
    {
        await AlertsApi.AddRuleAsync(member, sensor);
        await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow().AddMinutes(-1), 41));
        return (await api.SingleAsync(member, "unacknowledged")).GetProperty("id").GetGuid();
    }

    private static async Task<List<JsonElement>> OfAlertAsync(Member member, Guid alert, Guid? channel = null) =>
        (await member.ReadAllAsync($"{AlertsApi.Route}/{alert}/deliveries")).FindAll(d => channel is null || d.GetProperty("channelId").GetGuid() == channel);
}
