using System.Net;
using System.Net.Http.Json;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.SignalR;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>Several replicas behind the edge: one address, and whichever replica answers, the stream goes on.</summary>
public sealed class EdgeTests(TestStores stores)
{
    [Fact]
    public async Task Clients_of_both_protocols_resume_at_whichever_replica_the_edge_leads_them_to()
    {
        await using var stack = await LiveStack.StartAsync(stores);
        var city = await stack.RegisterAsync();
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", externalId: "t");
        var at = TimeProvider.System.GetUtcNow().AddHours(-1);
        var told = new List<string>();
        string? since = null;
        var used = new HashSet<RealtimeHost>();
        for (var visit = 0; visit < 8 || used.Count < 2; visit++)
        {
            visit.ShouldBeLessThan(100, "the edge leads all connections to one replica");
            if (since is not null)
            {
                await city.IngestAsync("t", (at = at.AddSeconds(1), visit));
            }

            if (visit % 2 == 0)
            {
                await using var client = await LiveClient.ConnectAsync(stack.Door, city.AccessToken, messagePack: visit % 4 == 0);
                since ??= (await client.SubscribeAsync(["readings"])).GetProperty("lastId").GetString();
                used.UnionWith(stack.Replicas.Where(r => r.Broadcaster.Connections.Count > 0));
                await city.IngestAsync("t", (at = at.AddSeconds(1), visit));
                if (visit > 0)
                {
                    (await client.SubscribeAsync(["readings"], since)).GetProperty("gap").GetBoolean().ShouldBeFalse();
                }

                var count = visit == 0 ? 1 : 2;
                told.AddRange((await client.NextAsync(count)).ConvertAll(e => e.GetProperty("id").GetString()!));
                client.ShouldHaveNothingMore();
            }
            else
            {
                await using var client = await SocketIoClient.ConnectAsync(stack.Door, city.AccessToken);
                used.UnionWith(stack.Replicas.Where(r => r.Broadcaster.Connections.Count > 0));
                await city.IngestAsync("t", (at = at.AddSeconds(1), visit));
                (await client.CallAsync("subscribe", new { topics = new[] { "readings" }, since })).GetProperty("gap").GetBoolean().ShouldBeFalse();
                told.Add((await client.NextAsync()).GetProperty("id").GetString()!);
                told.Add((await client.NextAsync()).GetProperty("id").GetString()!);
                client.ShouldHaveNothingMore();
            }

            since = told[^1];
            await Eventually.TrueAsync(() => stack.Replicas.All(r => r.Broadcaster.Connections.Count == 0), "the client has left");
        }

        told.ShouldBeInOrder();
        told.Distinct().Count().ShouldBe(told.Count);
        told.Count.ShouldBeGreaterThanOrEqualTo(15);
    }

    [Fact]
    public async Task The_real_socket_io_client_works_unchanged_on_the_public_origin_and_its_polling_is_refused_there()
    {
        var folder = NodeScript.RequirePackage("socket.io-client", "4");
        await using var stack = await LiveStack.StartAsync(stores, replicas: 1);
        var city = await stack.RegisterAsync();
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", externalId: "t");
        using var node = NodeScript.Start($$"""
            import { io } from 'socket.io-client';
            const base = '{{stack.Api.BaseAddress.GetLeftPart(UriPartial.Authority)}}';
            const socket = io(base, { path: '/ws', transports: ['websocket'], auth: { token: '{{city.AccessToken}}' } });
            socket.on('event', event => console.log('event ' + event.data[0].value));
            socket.on('connect_error', error => console.log('connect_error ' + error.message));
            socket.on('connect', () => socket.emit('subscribe', { topics: ['readings'] }, answer => console.log('gap ' + answer.gap)));
            """, folder);
        await node.ExpectAsync("gap false");
        await city.IngestAsync("t", (TimeProvider.System.GetUtcNow().AddMinutes(-1), 21.5));
        await node.ExpectAsync("event 21.5");

        using var http = new HttpClient();
        using var polling = await http.GetAsync(new Uri(stack.Door, "/ws/?EIO=4&transport=polling&t=x"), TestContext.Current.CancellationToken);
        polling.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await polling.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe("""{"code":0,"message":"Transport unknown"}""");
    }

    [Fact]
    public async Task Energy_is_told_of_buildings_whose_meters_had_readings_and_of_no_other()
    {
        await using var stack = await LiveStack.StartAsync(stores, replicas: 1);
        var city = await stack.RegisterAsync();
        var (metered, other) = (await city.CreateBuildingAsync("Metered"), await city.CreateBuildingAsync("Other"));
        await city.CreateSensorAsync(metered, "electric_power", externalId: "p", more: new { intervalSeconds = 60 });
        await city.CreateSensorAsync(other, "temperature", externalId: "t");
        await using var client = await LiveClient.ConnectAsync(stack.Door, city.AccessToken);
        await client.SubscribeAsync(["energy"]);

        var now = TimeProvider.System.GetUtcNow();
        await city.IngestAsync("t", (now, 20));
        await city.IngestAsync("p", (now.AddSeconds(-120), 30), (now.AddSeconds(-60), 30), (now, 36));
        var told = await client.NextAsync();
        told.GetProperty("topic").GetString().ShouldBe("energy");
        told.GetProperty("type").GetString().ShouldBe("energy.updated");
        var data = told.GetProperty("data");
        data.EnumerateObject().Select(m => m.Name).ShouldBe(["buildingId", "kwhToday", "kwNow"]);
        data.GetProperty("buildingId").GetGuid().ShouldBe(metered);
        data.GetProperty("kwNow").GetDouble().ShouldBe(36);
        using var summary = await city.Client.GetAsync($"/api/v1/citypulse/buildings/{metered}/summary", TestContext.Current.CancellationToken);
        data.GetProperty("kwhToday").GetDouble().ShouldBe(
            (await summary.ReadAsync(HttpStatusCode.OK)).GetProperty("energy").GetProperty("today").GetProperty("kwh").GetDouble(), 0.02);
        client.ShouldHaveNothingMore();
    }

    [Fact]
    public async Task A_client_may_follow_the_buildings_and_sensors_of_its_organisation_only()
    {
        await using var stack = await LiveStack.StartAsync(stores, replicas: 1);
        var (city, stranger) = (await stack.RegisterAsync(), await stack.RegisterAsync());
        var building = await city.CreateBuildingAsync();
        var sensor = await city.CreateSensorAsync(building, externalId: "s");
        string[] topics = [$"buildings/{building}/readings", $"buildings/{building}/alerts", $"sensors/{sensor}/readings"];
        await using var mine = await LiveClient.ConnectAsync(stack.Door, city.AccessToken);
        (await mine.SubscribeAsync(topics)).GetProperty("topics").GetArrayLength().ShouldBe(3);
        await using var theirs = await LiveClient.ConnectAsync(stack.Door, stranger.AccessToken);
        foreach (var topic in topics)
        {
            (await Should.ThrowAsync<HubException>(() => theirs.SubscribeAsync([topic]))).Message.ShouldContain("There is no such");
        }
    }

    [Fact]
    public async Task A_session_that_ends_takes_its_connections_of_both_protocols_with_it()
    {
        await using var stack = await LiveStack.StartAsync(stores);
        var (city, other) = (await stack.RegisterAsync(), await stack.RegisterAsync());
        await using var hub = await LiveClient.ConnectAsync(stack.Replicas[0], city.AccessToken);
        await using var socket = await SocketIoClient.ConnectAsync(stack.Replicas[1].Door, city.AccessToken);
        await using var bystander = await SocketIoClient.ConnectAsync(stack.Replicas[1].Door, other.AccessToken);

        using var logout = await city.Client.PostAsync("/api/v1/auth/logout", null, TestContext.Current.CancellationToken);
        logout.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await hub.Closed)!.Message.ShouldContain("revoked");
        (await socket.NextEmittedAsync())[1].GetProperty("code").GetString().ShouldBe("revoked");
        await socket.Closed;
        (await bystander.CallAsync("ping")).GetString().ShouldNotBeNull();

        await using var again = await SocketIoClient.OpenAsync(stack.Replicas[1].Door);
        await again.NextPacketAsync();
        await again.SendAsync($$"""40{"token":"{{city.AccessToken}}"}""");
        (await again.NextPacketAsync()).ShouldStartWith("44{");
    }

    [Fact]
    public async Task Other_services_tell_of_swarm_runs_through_the_outbox_and_of_nothing_else()
    {
        await using var stack = await LiveStack.StartAsync(stores, replicas: 1);
        var city = await stack.RegisterAsync();
        using var inside = stack.Api.CreateInternalClient();
        var run = Guid.CreateVersion7();
        await ShouldAnswerAsync(HttpStatusCode.NoContent, new { organizationId = city.OrganizationId, type = "swarm.step", topics = new[] { $"swarm/{run}" }, data = new { index = 1 } });
        await ShouldAnswerAsync(HttpStatusCode.BadRequest, new { organizationId = city.OrganizationId, type = "alert.raised", topics = new[] { $"swarm/{run}" }, data = new { } });
        await ShouldAnswerAsync(HttpStatusCode.BadRequest, new { organizationId = city.OrganizationId, type = "swarm.step", topics = new[] { "alerts" }, data = new { } });
        await ShouldAnswerAsync(HttpStatusCode.BadRequest, new { organizationId = city.OrganizationId, type = "swarm.step", topics = Array.Empty<string>(), data = new { } });
        await ShouldAnswerAsync(HttpStatusCode.BadRequest, new { organizationId = Guid.Empty, type = "swarm.step", topics = new[] { $"swarm/{run}" }, data = new { } });

        using var stranger = new HttpClient { BaseAddress = stack.Api.InternalAddress };
        using var refused = await stranger.PostAsJsonAsync("/internal/events", new { }, TestContext.Current.CancellationToken);
        refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        async Task ShouldAnswerAsync(HttpStatusCode status, object body)
        {
            using var answer = await inside.PostAsJsonAsync("/internal/events", body);
            answer.StatusCode.ShouldBe(status, await answer.Content.ReadAsStringAsync());
        }
    }
}
