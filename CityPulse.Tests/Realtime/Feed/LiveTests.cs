using System.Text.Json;
using CityPulse.Contracts;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>Who gets what, in which shape and order.</summary>
public sealed class LiveTests : IAsyncLifetime
{
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_event_has_the_shape_of_the_contract_in_both_protocols(bool messagePack)
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host, messagePack: messagePack);
        var building = _city.Api.Add(_city.Organization);
        var sensor = _city.Api.Add(_city.Organization);

        var answer = await client.SubscribeAsync(["readings", $"buildings/{building}/readings", $"sensors/{sensor}/readings", "buildings"]);
        answer.GetProperty("topics").EnumerateArray().Select(t => t.GetString())
            .ShouldBe(["readings", $"buildings/{building}/readings", $"sensors/{sensor}/readings", "buildings"]);
        answer.GetProperty("gap").GetBoolean().ShouldBeFalse();
        answer.GetProperty("lastId").GetString().ShouldNotBeNullOrEmpty();

        var record = await _city.StoreAsync(
            (sensor, building, LiveCity.Time("2026-11-24T01:02:03.004+01:00"), 0.1),
            (sensor, building, LiveCity.Time("2026-11-24T00:02:04Z"), 20));
        var events = await client.NextAsync(3);

        events.ConvertAll(e => e.GetProperty("topic").GetString()).ShouldBe(["readings", $"buildings/{building}/readings", $"sensors/{sensor}/readings"]);
        events.ConvertAll(e => e.GetProperty("id").GetString()).ShouldBe(
            [LiveCity.IdOf(record, 0).ToString(), LiveCity.IdOf(record, 1).ToString(), LiveCity.IdOf(record, 2).ToString()]);
        foreach (var e in events)
        {
            e.EnumerateObject().Select(m => m.Name).ShouldBe(["id", "topic", "type", "at", "organizationId", "data"]);
            e.GetProperty("type").GetString().ShouldBe("readings");
            e.GetProperty("at").GetString()!.ShouldEndWith("Z");
            e.GetProperty("at").GetDateTimeOffset().ShouldBe(record.At, TimeSpan.FromMicroseconds(1));
            e.GetProperty("organizationId").GetGuid().ShouldBe(_city.Organization);
            JsonSerializer.Serialize(e.GetProperty("data")).ShouldBe(JsonSerializer.Serialize(new object[]
            {
                new { sensorId = sensor, buildingId = building, at = "2026-11-24T00:02:03.004Z", value = 0.1 },
                new { sensorId = sensor, buildingId = building, at = "2026-11-24T00:02:04Z", value = 20.0 },
            }));
        }

        var other = await _city.PublishAsync(_city.Api.Append(_city.Organization, "building.created", ["buildings"],
            """{"id":"x","floors":3,"areaM2":1.5,"tags":["a",null,true]}"""u8.ToArray()));
        var created = await client.NextAsync();
        created.GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(other).ToString());
        created.GetProperty("type").GetString().ShouldBe("building.created");
        JsonSerializer.Serialize(created.GetProperty("data")).ShouldBe("""{"id":"x","floors":3,"areaM2":1.5,"tags":["a",null,true]}""");
        client.ShouldHaveNothingMore();
    }

    [Fact]
    public async Task Every_replica_delivers_every_event_once_and_in_order()
    {
        var (first, second) = (await _city.ReplicaAsync(), await _city.ReplicaAsync());
        var clients = new[] { await _city.ConnectAsync(first), await _city.ConnectAsync(second), await _city.ConnectAsync(second, messagePack: true) };
        foreach (var client in clients)
        {
            await client.SubscribeAsync(["readings"]);
        }

        var records = new List<StreamRecord>();
        for (var i = 0; i < 200; i++)
        {
            records.Add(await _city.StoreOneAsync());
        }

        foreach (var client in clients)
        {
            (await client.IdsThroughAsync(LiveCity.IdOf(records[^1]))).ShouldBe(records.Select(r => LiveCity.IdOf(r).ToString()));
            client.ShouldHaveNothingMore();
        }
    }

    [Fact]
    public async Task Nothing_of_an_organisation_reaches_another()
    {
        var host = await _city.ReplicaAsync();
        var foreign = Guid.CreateVersion7();
        var (mine, theirs) = (await _city.ConnectAsync(host), await _city.ConnectAsync(host, foreign));
        var since = (await mine.SubscribeAsync(["readings", "alerts"])).GetProperty("lastId").GetString();
        await theirs.SubscribeAsync(["readings", "alerts"]);

        var theirRecord = await _city.StoreOneAsync(foreign);
        var myRecord = await _city.StoreOneAsync();

        (await mine.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(myRecord).ToString());
        (await theirs.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(theirRecord).ToString());
        mine.ShouldHaveNothingMore();

        // Nor by asking for the past.
        var again = await _city.ConnectAsync(host);
        await again.SubscribeAsync(["readings"], since);
        (await again.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(myRecord).ToString());
        again.ShouldHaveNothingMore();
    }

    [Fact]
    public async Task A_refused_topic_fails_its_call_and_nothing_else()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings"]);
        var foreign = _city.Api.Add(Guid.CreateVersion7());
        var mine = _city.Api.Add(_city.Organization);

        await RefusedAsync(["sensors/1/readings"], null, "There is no topic 'sensors/1/readings'.");
        await RefusedAsync([], null, "Name at least one topic.");
        await RefusedAsync([$"sensors/{mine}/readings", $"sensors/{foreign}/readings"], null, $"There is no such sensor: 'sensors/{foreign}/readings'.");
        await RefusedAsync([$"buildings/{foreign}/alerts"], null, $"There is no such building: 'buildings/{foreign}/alerts'.");
        await RefusedAsync(["readings"], "yesterday", "'yesterday' is no event id.");
        await RefusedAsync(["readings"], "", "'' is no event id.");

        // One refused topic refuses the call: the sensor named beside the foreign one is not followed, what was before still is.
        var record = await _city.StoreAsync((mine, Guid.CreateVersion7(), TimeProvider.System.GetUtcNow(), 1));
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(record).ToString());
        client.ShouldHaveNothingMore();

        async Task RefusedAsync(string[] topics, string? since, string why) =>
            (await Should.ThrowAsync<HubException>(() => client.SubscribeAsync(topics, since))).Message.ShouldEndWith(why);
    }

    [Fact]
    public async Task A_resource_is_checked_once_in_a_while_and_not_for_every_client()
    {
        var host = await _city.ReplicaAsync();
        var sensor = _city.Api.Add(_city.Organization);
        for (var i = 0; i < 3; i++)
        {
            await (await _city.ConnectAsync(host)).SubscribeAsync([$"sensors/{sensor}/readings"]);
        }

        _city.Api.ResourceReads.ShouldBe(1);
    }

    [Fact]
    public async Task All_that_a_call_names_is_checked_at_once()
    {
        var host = await _city.ReplicaAsync();
        var topics = Enumerable.Range(0, 200).Select(_ => $"sensors/{_city.Api.Add(_city.Organization)}/readings").ToArray();
        await (await _city.ConnectAsync(host)).SubscribeAsync(topics);
        _city.Api.ResourceReads.ShouldBe(1);
    }

    [Fact]
    public async Task An_alert_comes_on_its_buildings_topic_too()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        var (building, other) = (_city.Api.Add(_city.Organization), _city.Api.Add(_city.Organization));
        await client.SubscribeAsync(["alerts", $"buildings/{building}/alerts", $"buildings/{other}/alerts"]);
        await _city.PublishAsync(_city.Api.Append(_city.Organization, "alert.raised", [Topics.Alerts, Topics.BuildingAlerts(building)], "{}"u8.ToArray()));
        (await client.NextAsync(2)).ConvertAll(e => e.GetProperty("topic").GetString()).ShouldBe(["alerts", $"buildings/{building}/alerts"]);
        await _city.StoreOneAsync();
        client.ShouldHaveNothingMore();
    }

    [Fact]
    public async Task A_resource_that_cannot_be_checked_is_refused_for_the_moment()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        var sensor = _city.Api.Add(_city.Organization);
        _city.Api.IsAway = true;
        (await Should.ThrowAsync<HubException>(() => client.SubscribeAsync([$"sensors/{sensor}/readings"]))).Message.ShouldContain("cannot be checked");
        _city.Api.IsAway = false;
    }

    [Fact]
    public async Task Unsubscribing_ends_the_topic_and_leaves_the_others()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings", "alerts"]);
        (await client.UnsubscribeAsync("readings")).GetProperty("topics").EnumerateArray().ShouldHaveSingleItem().GetString().ShouldBe("readings");

        await _city.StoreOneAsync();
        var alert = await _city.PublishAsync(_city.Api.Append(_city.Organization, "alert.raised", ["alerts"], "{}"u8.ToArray()));
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(alert).ToString());
        client.ShouldHaveNothingMore();
    }

    [Fact]
    public async Task A_topic_followed_twice_comes_once()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings", "readings"]);
        await client.SubscribeAsync(["readings"]);
        var record = await _city.StoreOneAsync();
        await _city.PublishAsync(record);
        var next = await _city.StoreOneAsync();
        (await client.IdsThroughAsync(LiveCity.IdOf(next))).ShouldBe([LiveCity.IdOf(record).ToString(), LiveCity.IdOf(next).ToString()]);
    }

    [Fact]
    public async Task Ping_tells_the_servers_time()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        var time = await client.Hub.InvokeAsync<string>("Ping", TestContext.Current.CancellationToken);
        time.ShouldEndWith("Z");
        LiveCity.Time(time).ShouldBe(TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_broken_record_stops_nobody()
    {
        var host = await _city.ReplicaAsync();
        var client = await _city.ConnectAsync(host);
        await client.SubscribeAsync(["readings", "alerts"]);
        await _city.PublishAsync(_city.Api.Append(_city.Organization, "alert.raised", ["alerts"], "{ broken"u8.ToArray()));
        await _city.PublishAsync(_city.Api.Append(_city.Organization, "readings", [], "broken"u8.ToArray()));
        var good = await _city.StoreOneAsync();
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(good).ToString());
    }
}
