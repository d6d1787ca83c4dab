using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Channels;

/// <summary>From an alert to a receiver, by two replicas.</summary>
[Collection(nameof(AlertsApi))]
public sealed class DeliveryTests(AlertsApi api, TestStores stores)
{
    private const string Channels = AlertsApi.Route + "/channels";
    private const string Secret = "a shared secret";

    [Fact]
    public async Task What_happens_to_an_alert_is_sent_signed_to_the_channels_that_want_it_and_to_no_other()
    {
        await using var receiver = await Receiver.StartAsync();
        var (member, building, sensor) = await api.WithSensorAsync();
        var elsewhere = await member.AddBuildingAsync(Valid.Building("School"));
        var channel = await AddAsync(member, receiver.Url, new { secret = Secret, buildingIds = new[] { building } });
        await AddAsync(member, receiver.Url, new { minSeverity = "critical" });
        await AddAsync(member, receiver.Url, new { buildingIds = new[] { elsewhere } });
        var (stranger, _, _) = await api.WithSensorAsync();
        await AddAsync(stranger, receiver.Url);

        var alert = await RaiseAsync(member, sensor);
        await Eventually.TrueAsync(() => receiver.Seen.Count == 1, "the event has arrived");
        var first = receiver.Seen[0];
        first.IsSignedWith(Secret).ShouldBeTrue();
        first.IsSignedWith("another").ShouldBeFalse();
        first.ContentType.ShouldBe("application/json; charset=utf-8");
        first.Event.GetProperty("id").GetString().ShouldBe(first.EventId);
        first.Event.GetProperty("type").GetString().ShouldBe("alert.raised");
        first.Event.GetProperty("organizationId").GetGuid().ShouldBe(member.OrganizationId);
        first.Event.GetProperty("data").GetProperty("id").GetGuid().ShouldBe(alert);
        first.Event.GetProperty("data").GetProperty("state").GetString().ShouldBe("unacknowledged");

        await (await member.PostAsync($"{AlertsApi.Route}/{alert}/acknowledge", "{}")).ReadAsync(HttpStatusCode.OK);
        await Eventually.TrueAsync(() => receiver.Seen.Count == 2, "the acknowledgement has arrived");
        receiver.Seen[1].Event.GetProperty("type").GetString().ShouldBe("alert.acknowledged");
        receiver.Seen[1].EventId.ShouldNotBe(first.EventId);

        var deliveries = await DeliveredAsync(member, alert, 2);
        deliveries.Select(d => d.GetProperty("type").GetString()).ShouldBe(["alert.acknowledged", "alert.raised"]);
        deliveries.ShouldAllBe(d => d.GetProperty("channelId").GetGuid() == channel && d.State("status") == "delivered");
        var attempt = deliveries[1].GetProperty("attempts").EnumerateArray().ShouldHaveSingleItem();
        attempt.GetProperty("status").GetInt32().ShouldBe(200);
        attempt.GetProperty("error").ValueKind.ShouldBe(JsonValueKind.Null);
        (await stranger.GetAsync($"{AlertsApi.Route}/{alert}/deliveries")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await stranger.GetAsync($"{Channels}/{channel}/deliveries")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task What_fails_is_sent_again_with_the_same_id_and_every_attempt_is_on_record()
    {
        await using var receiver = await Receiver.StartAsync((context, before) =>
        {
            context.Response.StatusCode = before < 2 ? 500 : 204;
            return Task.CompletedTask;
        });
        var (member, _, sensor) = await api.WithSensorAsync();
        await AddAsync(member, receiver.Url, new { secret = Secret });
        var alert = await RaiseAsync(member, sensor);
        await Eventually.TrueAsync(() => receiver.Seen.Count == 3, "it was sent three times");
        receiver.Seen.Select(r => r.EventId).Distinct().ShouldHaveSingleItem();
        receiver.Seen.Select(r => r.Event.GetRawText()).Distinct().ShouldHaveSingleItem();
        receiver.Seen.ShouldAllBe(r => r.IsSignedWith(Secret));
        var delivery = (await DeliveredAsync(member, alert, 1)).Single();
        delivery.GetProperty("eventId").GetString().ShouldBe(receiver.Seen[0].EventId);
        delivery.GetProperty("attempts").EnumerateArray().Select(a => a.GetProperty("status").GetInt32()).ShouldBe([500, 500, 204]);
        delivery.GetProperty("attempts")[0].GetProperty("error").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_state_that_only_a_newer_replica_knows_is_answered_as_it_is_stored()
    {
        await using var receiver = await Receiver.StartAsync();
        var (member, _, sensor) = await api.WithSensorAsync();
        await AddAsync(member, receiver.Url);
        var alert = await RaiseAsync(member, sensor);
        await DeliveredAsync(member, alert, 1);
        await api.ExecuteAsync("UPDATE alert_deliveries SET status = 'held_back' WHERE organization_id = $1", member.OrganizationId);
        (await member.ReadAllAsync($"{AlertsApi.Route}/{alert}/deliveries")).ShouldHaveSingleItem().State("status").ShouldBe("held_back");
    }

    [Fact]
    public async Task A_receiver_that_is_gone_or_fails_for_a_day_leaves_a_dead_letter()
    {
        await using var gone = await Receiver.StartAsync(410);
        await using var broken = await Receiver.StartAsync(503);
        var (member, _, sensor) = await api.WithSensorAsync();
        var goneId = await AddAsync(member, gone.Url);
        var brokenId = await AddAsync(member, broken.Url);
        await RaiseAsync(member, sensor);
        await Eventually.TrueAsync(async () => (await DeadAsync(member, goneId)).Count == 1, "gone is dead");
        gone.Seen.Count.ShouldBe(1);
        await Eventually.TrueAsync(() => broken.Seen.Count >= 2, "the broken one was tried again");
        (await DeadAsync(member, brokenId)).ShouldBeEmpty();
        api.Clock.Advance(TimeSpan.FromHours(25));
        await Eventually.TrueAsync(async () => (await DeadAsync(member, brokenId)).Count == 1, "the broken one is given up");
        (await DeadAsync(member, brokenId))[0].GetProperty("nextAttemptAt").ValueKind.ShouldBe(JsonValueKind.Null);
        await (await member.GetAsync($"{Channels}/{brokenId}/deliveries?status=lost")).ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Two_replicas_share_the_work_and_send_each_event_once()
    {
        await using var receiver = await Receiver.StartAsync();
        var (member, _, sensor) = await api.WithSensorAsync();
        await AddAsync(member, receiver.Url);
        await AlertsApi.AddRuleAsync(member, sensor);
        var start = api.Clock.GetUtcNow().AddHours(-1);
        await AlertsApi.IngestAsync(member, sensor, Enumerable.Range(0, 40).Select(i => (start.AddMinutes(i), i % 2 == 0 ? 41.0 : 20.0)));
        await Eventually.TrueAsync(() => receiver.Seen.Count >= 40, "all have arrived");
        await Eventually.TrueAsync(
            async () => await api.ScalarAsync<long>("SELECT count(*) FROM alert_deliveries WHERE organization_id = $1 AND status = 'delivered'", member.OrganizationId) == 40,
            "all are noted");
        receiver.Seen.Select(r => r.EventId).ShouldBeUnique();
        receiver.Seen.Count(r => r.Event.GetProperty("type").GetString() == "alert.raised").ShouldBe(20);
        receiver.Seen.ShouldAllBe(r => r.Signature == null, "there is no secret");
    }

    [Fact]
    public async Task A_test_is_sent_at_once_and_answers_with_its_outcome()
    {
        await using var receiver = await Receiver.StartAsync((context, before) =>
        {
            context.Response.StatusCode = before == 0 ? 200 : 500;
            return Task.CompletedTask;
        });
        var member = await api.MemberAsync();
        var channel = await AddAsync(member, receiver.Url, new { secret = Secret });
        var good = await (await member.SendAsync(HttpMethod.Post, $"{Channels}/{channel}/test")).ReadAsync(HttpStatusCode.OK);
        good.State("status").ShouldBe("delivered");
        good.GetProperty("eventId").GetString().ShouldBe(receiver.Seen.ShouldHaveSingleItem().EventId);
        receiver.Seen[0].IsSignedWith(Secret).ShouldBeTrue();
        receiver.Seen[0].Event.GetProperty("type").GetString().ShouldBe("channel.test");
        var bad = await (await member.SendAsync(HttpMethod.Post, $"{Channels}/{channel}/test")).ReadAsync(HttpStatusCode.OK);
        bad.State("status").ShouldBe("dead");
        bad.GetProperty("attempts")[0].GetProperty("status").GetInt32().ShouldBe(500);
        (await member.ReadAllAsync($"{Channels}/{channel}/deliveries", limit: 1)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Without_an_smtp_server_an_e_mail_says_so_and_waits_and_ends_with_its_channel()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        var channel = (await (await member.PostAsync(Channels, new { name = "Mail", type = "email", to = "ops@example.org", minSeverity = "info" }))
            .ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        var alert = await RaiseAsync(member, sensor);
        JsonElement delivery = default;
        await Eventually.TrueAsync(
            async () => (await member.ReadAllAsync($"{AlertsApi.Route}/{alert}/deliveries")) is [var only] && (delivery = only).GetProperty("attempts").GetArrayLength() > 0,
            "it was tried");
        delivery.State("status").ShouldBe("pending");
        delivery.GetProperty("attempts")[0].GetProperty("error").GetString()!.ShouldContain("Smtp:Host");
        (await member.DeleteAsync($"{Channels}/{channel}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await Eventually.TrueAsync(
            async () => (await member.ReadAllAsync($"{AlertsApi.Route}/{alert}/deliveries?status=dead")).Count == 1, "the channel is gone, and so is the hope");
    }

    [Fact]
    public async Task A_worker_that_dies_while_it_delivers_is_followed_by_another_that_sends_the_same_id()
    {
        using var never = new SemaphoreSlim(0);
        await using var receiver = await Receiver.StartAsync((context, before) => before == 0 ? never.WaitAsync(context.RequestAborted) : Task.CompletedTask);
        var settings = new Dictionary<string, string?> { ["Alerts:Channels:AllowPrivateTargets"] = "true", ["Alerts:Channels:TimeoutSeconds"] = "30" };
        string database;
        await using (var host = await ApiHost.StartAsync(stores, settings: settings))
        {
            database = host.ConnectionString;
            var city = await City.RegisterAsync(host.CreateClient());
            var sensor = await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "t");
            using var channel = await city.Client.PostAsJsonAsync(Channels, new { name = "Hook", type = "webhook", url = receiver.Url, minSeverity = "info" });
            await channel.ReadAsync(HttpStatusCode.Created);
            using var rule = await city.Client.PostAsJsonAsync(AlertsApi.Rules, AlertsApi.Rule(sensor));
            await rule.ReadAsync(HttpStatusCode.Created);
            await city.IngestAsync("t", (TimeProvider.System.GetUtcNow().AddMinutes(-1), 41));
            await Eventually.TrueAsync(() => receiver.Seen.Count == 1, "it is being delivered");
        }

        var later = new ShiftedClock();
        later.Advance(TimeSpan.FromMinutes(5));
        await using var other = await ApiHost.StartAsync(
            stores, settings: settings, services: s => s.Replace(ServiceDescriptor.Singleton<TimeProvider>(later)), database: database);
        await Eventually.TrueAsync(() => receiver.Seen.Count == 2, "another worker has delivered it");
        receiver.Seen.Select(r => r.EventId).Distinct().ShouldHaveSingleItem();
    }

    private static async Task<Guid> AddAsync(Member member, string url, object? more = null)
    {
        var body = Valid.With(new Dictionary<string, object?> { ["name"] = "Hook", ["type"] = "webhook", ["url"] = url, ["minSeverity"] = "warning" }, more);
        return (await (await member.PostAsync(Channels, body)).ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
    }

    private async Task<Guid> RaiseAsync(Member member, Guid sensor)
    {
        await AlertsApi.AddRuleAsync(member, sensor);
        await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow().AddMinutes(-1), 41));
        return (await api.SingleAsync(member, "unacknowledged")).GetProperty("id").GetGuid();
    }

    private static async Task<List<JsonElement>> DeliveredAsync(Member member, Guid alert, int count)
    {
        var path = $"{AlertsApi.Route}/{alert}/deliveries";
        await Eventually.TrueAsync(async () => (await member.ReadAllAsync(path + "?status=delivered")).Count == count, $"{count} are delivered");
        return await member.ReadAllAsync(path);
    }

    private static Task<List<JsonElement>> DeadAsync(Member member, Guid channel) => member.ReadAllAsync($"{Channels}/{channel}/deliveries?status=dead");
}

internal static class DeliveryAssertions
{
    public static string? State(this JsonElement delivery, string member) => delivery.GetProperty(member).GetString();
}
