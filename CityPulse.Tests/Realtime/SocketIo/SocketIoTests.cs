using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Realtime.Feed;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Shouldly;

namespace CityPulse.Tests.Realtime.SocketIo;

/// <summary>Socket.IO's protocol at <c>/ws/</c>, packet by packet.</summary>
public sealed class SocketIoTests : IAsyncLifetime
{
    private LiveCity _city = null!;
    private RealtimeHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _city = await LiveCity.StartAsync();
        _host = await _city.ReplicaAsync(
            ("Cors:Frontends:citypulse:0", "https://city.example"),
            ("Realtime:SocketIoPingInterval", "00:00:00.2"), ("Realtime:SocketIoPingTimeout", "00:00:03"), ("Realtime:SocketIoConnectTime", "00:00:05"));
    }

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Fact]
    public async Task It_opens_signs_in_and_tells_events_in_the_shape_of_the_contract()
    {
        await using var client = await SocketIoClient.OpenAsync(_host.Door);
        var opening = JsonElement.Parse((await client.NextPacketAsync())[1..]);
        opening.EnumerateObject().Select(m => m.Name).ShouldBe(["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
        opening.GetProperty("upgrades").GetArrayLength().ShouldBe(0);
        opening.GetProperty("pingInterval").GetInt32().ShouldBe(200);
        opening.GetProperty("maxPayload").GetInt32().ShouldBe(Door.LongestCall);
        await client.SendAsync($$"""40{"token":"{{_city.Api.Token(_city.Organization)}}"}""");
        (await client.NextPacketAsync()).ShouldStartWith("40{\"sid\":\"");

        var answer = await client.CallAsync("subscribe", new { topics = new[] { "readings", "buildings" } });
        answer.EnumerateObject().Select(m => m.Name).ShouldBe(["topics", "lastId", "gap"]);
        answer.GetProperty("topics").EnumerateArray().Select(t => t.GetString()).ShouldBe(["readings", "buildings"]);
        answer.GetProperty("gap").GetBoolean().ShouldBeFalse();

        var record = await _city.StoreOneAsync();
        var told = await client.NextAsync();
        told.EnumerateObject().Select(m => m.Name).ShouldBe(["id", "topic", "type", "at", "organizationId", "data"]);
        told.GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(record).ToString());
        told.GetProperty("data")[0].EnumerateObject().Select(m => m.Name).ShouldBe(["sensorId", "buildingId", "at", "value"]);

        LiveCity.Time((await client.CallAsync("ping")).GetString()!).ShouldBe(TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(1));
        (await client.CallAsync("unsubscribe", new { topics = new[] { "readings" } })).ToString().ShouldBe("""{"topics":["readings"]}""");
        await _city.StoreOneAsync();
        var building = await _city.PublishAsync(_city.Api.Append(_city.Organization, "building.created", ["buildings"], "{}"u8.ToArray()));
        (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(LiveCity.IdOf(building).ToString());
    }

    [Fact]
    public async Task Both_doors_tell_the_same_events_and_an_id_of_one_resumes_at_the_other()
    {
        var hub = await _city.ConnectAsync(_host);
        var since = (await hub.SubscribeAsync(["readings"])).GetProperty("lastId").GetString();
        var records = new List<StreamRecord>();
        for (var i = 0; i < 30; i++)
        {
            records.Add(await _city.StoreOneAsync());
        }

        var ids = records.ConvertAll(r => LiveCity.IdOf(r).ToString());
        (await hub.IdsThroughAsync(LiveCity.IdOf(records[^1]))).ShouldBe(ids);
        var second = await _city.ReplicaAsync();
        foreach (var host in new[] { _host, second })
        {
            var client = await _city.ConnectSocketIoAsync(host);
            var answer = await client.CallAsync("subscribe", new { topics = new[] { "readings" }, since });
            answer.GetProperty("gap").GetBoolean().ShouldBeFalse();
            (await client.IdsThroughAsync(LiveCity.IdOf(records[^1]))).ShouldBe(ids);
            var next = await _city.StoreOneAsync();
            records.Add(next);
            ids.Add(LiveCity.IdOf(next).ToString());
            (await client.NextAsync()).GetProperty("id").GetString().ShouldBe(ids[^1]);
            client.ShouldHaveNothingMore();
        }
    }

    [Theory]
    [InlineData("{\"topics\":[]}", "Name at least one topic.")]
    [InlineData("{}", "Name at least one topic.")]
    [InlineData("{\"topics\":[\"readings\",\"weather\"]}", "There is no topic 'weather'.")]
    [InlineData("{\"topics\":[\"readings\"],\"since\":\"yesterday\"}", "'yesterday' is no event id.")]
    [InlineData("{\"topics\":[\"readings\"],\"since\":5}", "since must be an event id.")]
    [InlineData("{\"topics\":\"readings\"}", "topics must be a list of texts.")]
    [InlineData("{\"topics\":[5]}", "topics must be a list of texts.")]
    [InlineData("{\"topics\":[\"readings\"],\"maxPerSecond\":-1}", "maxPerSecond must be from 0.1 to 1000, or 0 for all events.")]
    [InlineData("{\"topics\":[\"readings\"],\"sinse\":null}", "There is no member 'sinse'; there are topics, since, maxPerSecond.")]
    [InlineData("\"readings\"", "Send one object with the member topics.")]
    [InlineData("[5]", "Send one object with the member topics.")]
    public async Task A_refused_call_is_acknowledged_with_an_error_and_changes_nothing(string argument, string why)
    {
        var client = await _city.ConnectSocketIoAsync(_host);
        var answer = await client.CallAsync("subscribe", JsonElement.Parse(argument));
        answer.EnumerateObject().ShouldHaveSingleItem().Name.ShouldBe("error");
        answer.GetProperty("error").GetString().ShouldBe(why);
        _host.Broadcaster.Connections.ShouldHaveSingleItem().Topics.ShouldBeEmpty();
    }

    [Fact]
    public async Task Topics_alone_need_no_object()
    {
        var client = await _city.ConnectSocketIoAsync(_host);
        (await client.CallAsync("subscribe", new[] { "readings" })).GetProperty("gap").GetBoolean().ShouldBeFalse();
        (await client.CallAsync("unsubscribe", new[] { "readings" })).ToString().ShouldBe("""{"topics":["readings"]}""");
    }

    [Fact]
    public async Task A_foreign_sensor_is_refused_and_calls_that_do_not_exist_are()
    {
        var client = await _city.ConnectSocketIoAsync(_host);
        var foreign = _city.Api.Add(Guid.CreateVersion7());
        (await client.CallAsync("subscribe", new { topics = new[] { "readings", $"sensors/{foreign}/readings" } }))
            .ToString().ShouldContain("There is no such sensor");
        (await client.CallAsync("dance")).ToString().ShouldBe("""{"error":"There are the events subscribe, unsubscribe and ping."}""");
        (await client.CallAsync("subscribe")).ToString().ShouldContain("error");
    }

    [Theory]
    [InlineData("40")]
    [InlineData("40{}")]
    [InlineData("40{\"token\":\"nonsense\"}")]
    [InlineData("40{\"token\":5}")]
    [InlineData("40{\"token\":\"a\\r\\nb\"}")]
    [InlineData("40{broken")]
    public async Task Without_a_good_token_the_connect_packet_is_refused(string packet)
    {
        await using var client = await SocketIoClient.OpenAsync(_host.Door);
        await client.NextPacketAsync();
        await client.SendAsync(packet);
        (await client.NextPacketAsync()).ShouldStartWith("44{\"message\":\"");

        // Nobody is in: what comes next ends the connection.
        await client.SendAsync("420[\"ping\"]");
        await client.Closed;
        _host.Broadcaster.Connections.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_refused_client_may_try_again_with_a_better_token()
    {
        await using var client = await SocketIoClient.OpenAsync(_host.Door);
        await client.NextPacketAsync();
        await client.SendAsync($$"""40{"token":"{{_city.Api.Token(_city.Organization, lifetime: TimeSpan.FromMinutes(-5))}}"}""");
        (await client.NextPacketAsync()).ShouldContain("expired");
        await client.SendAsync($$"""40{"token":"{{_city.Api.Token(_city.Organization)}}"}""");
        (await client.NextPacketAsync()).ShouldStartWith("40{");
    }

    [Fact]
    public async Task The_frontend_of_the_request_and_of_the_token_must_agree()
    {
        await using var client = await SocketIoClient.OpenAsync(_host.Door, frontend: "flowmind");
        await client.NextPacketAsync();
        await client.SendAsync($$"""40{"token":"{{_city.Api.Token(_city.Organization, frontend: Frontend.CityPulse)}}"}""");
        (await client.NextPacketAsync()).ShouldContain("another frontend");

        // A token of no frontend is narrowed by the header: the city's own frontend has no swarms.
        await using var narrowed = await SocketIoClient.OpenAsync(_host.Door, frontend: "citypulse");
        await narrowed.NextPacketAsync();
        await narrowed.SendAsync($$"""40{"token":"{{_city.Api.Token(_city.Organization)}}"}""");
        await narrowed.NextPacketAsync();
        (await narrowed.CallAsync("subscribe", new { topics = new[] { $"swarm/{Guid.CreateVersion7()}" } })).ToString().ShouldContain("You may not follow");
    }

    [Fact]
    public async Task There_is_one_namespace()
    {
        await using var client = await SocketIoClient.OpenAsync(_host.Door);
        await client.NextPacketAsync();
        await client.SendAsync($$"""40/admin,{"token":"{{_city.Api.Token(_city.Organization)}}"}""");
        (await client.NextPacketAsync()).ShouldBe("44/admin,{\"message\":\"Invalid namespace\"}");
        _host.Broadcaster.Connections.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("EIO=4&transport=polling", HttpStatusCode.BadRequest, """{"code":0,"message":"Transport unknown"}""")]
    [InlineData("EIO=4&transport=websocket", HttpStatusCode.BadRequest, """{"code":3,"message":"Bad request"}""")]
    [InlineData("EIO=3&transport=websocket", HttpStatusCode.BadRequest, """{"code":5,"message":"Unsupported protocol version"}""")]
    [InlineData("EIO=4&transport=websocket&sid=x", HttpStatusCode.BadRequest, """{"code":1,"message":"Session ID unknown"}""")]
    public async Task Other_transports_are_refused_in_engine_ios_own_words(string query, HttpStatusCode status, string body)
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(_host.Address, $"/ws/?{query}"), TestContext.Current.CancellationToken);
        answer.StatusCode.ShouldBe(status);
        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe(body);
        using var post = await http.PostAsJsonAsync(new Uri(_host.Address, "/ws/?EIO=4&transport=polling"), "", TestContext.Current.CancellationToken);
        post.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("https://city.example", HttpStatusCode.SwitchingProtocols)]
    [InlineData("https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    public async Task A_page_of_a_foreign_origin_is_refused_at_the_upgrade(string origin, HttpStatusCode expected)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Origin", origin);
        if (expected == HttpStatusCode.SwitchingProtocols)
        {
            await socket.ConnectAsync(SocketIoClient.Address(_host.Door), TestContext.Current.CancellationToken);
        }
        else
        {
            await Should.ThrowAsync<WebSocketException>(() => socket.ConnectAsync(SocketIoClient.Address(_host.Door), TestContext.Current.CancellationToken));
        }

        socket.HttpStatusCode.ShouldBe(expected);
    }

    [Fact]
    public async Task A_client_that_answers_the_heartbeat_stays_and_one_that_does_not_goes()
    {
        var alive = await _city.ConnectSocketIoAsync(_host);
        var dead = await _city.ConnectSocketIoAsync(_host);
        dead.IsAlive = false;
        await dead.Closed;
        await Eventually.TrueAsync(() => _host.Broadcaster.Connections.Count == 1, "the dead client is gone and the other is not");
        alive.Pings.ShouldBeGreaterThan(1);
        (await alive.CallAsync("ping")).ValueKind.ShouldBe(JsonValueKind.String);
    }

    [Fact]
    public async Task A_client_that_does_not_sign_in_is_put_out()
    {
        await using var client = await SocketIoClient.OpenAsync(_host.Door);
        await client.Closed;
    }

    [Theory]
    [InlineData("2")]
    [InlineData("1")]
    [InlineData("9")]
    [InlineData("")]
    [InlineData("4")]
    [InlineData("42{}")]
    [InlineData("42[]")]
    [InlineData("42[1]")]
    [InlineData("42/admin,[\"ping\"]")]
    [InlineData("40{\"token\":\"again\"}")]
    public async Task What_the_protocol_does_not_have_ends_the_connection_and_no_other(string packet)
    {
        var other = await _city.ConnectSocketIoAsync(_host);
        var client = await _city.ConnectSocketIoAsync(_host);
        await client.SendAsync(packet);
        await client.Closed;
        await other.CallAsync("ping");
    }

    [Fact]
    public async Task A_message_has_a_longest_length()
    {
        var client = await _city.ConnectSocketIoAsync(_host);
        await client.SendAsync($"420[\"ping\",\"{new string('x', Door.LongestCall)}\"]");
        (await client.Closed).ShouldBe(WebSocketCloseStatus.MessageTooBig);
    }

    [Fact]
    public async Task A_client_that_disconnects_gets_nothing_more_and_may_come_back_on_the_same_connection()
    {
        var client = await _city.ConnectSocketIoAsync(_host);
        await client.CallAsync("subscribe", new { topics = new[] { "readings" } });
        await client.SendAsync("41");
        await Eventually.TrueAsync(() => _host.Broadcaster.Connections.Count == 0, "it is gone");
        await _city.StoreOneAsync();
        await client.SendAsync($$"""40{"token":"{{_city.Api.Token(_city.Organization)}}"}""");
        (await client.NextPacketAsync()).ShouldStartWith("40{");
        await client.CallAsync("ping");
        client.ShouldHaveNothingMore();
    }

    [Fact]
    public async Task A_closed_client_is_told_why_and_its_connection_ends_so_that_it_comes_back()
    {
        await using var client = await SocketIoClient.ConnectAsync(_host.Door, _city.Api.Token(_city.Organization, lifetime: TimeSpan.FromSeconds(3)));
        var told = await client.NextEmittedAsync();
        told[0].GetString().ShouldBe("error");
        told[1].GetProperty("code").GetString().ShouldBe("expired");
        (await client.Closed).ShouldBe(WebSocketCloseStatus.EndpointUnavailable);
    }

    [Fact]
    public async Task A_revoked_client_is_told_not_to_come_back()
    {
        var client = await _city.ConnectSocketIoAsync(_host);
        _ = _host.Broadcaster.Connections.ShouldHaveSingleItem().CloseAsync(FeedClose.Revoked);
        (await client.NextEmittedAsync())[1].GetProperty("code").GetString().ShouldBe("revoked");
        (await client.NextPacketAsync()).ShouldBe("41");
        await client.Closed;
    }

    [Fact]
    public async Task A_stopping_replica_tells_its_clients_to_come_back()
    {
        var client = await _city.ConnectSocketIoAsync(_host);
        var stopping = Task.Run(() => _host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication());
        (await client.NextEmittedAsync())[1].GetProperty("code").GetString().ShouldBe("restart");
        await client.Closed;
        await stopping.WaitAsync(LiveClient.Patience, TestContext.Current.CancellationToken);
    }
}
