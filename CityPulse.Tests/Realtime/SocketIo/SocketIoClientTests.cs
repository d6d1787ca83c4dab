using CityPulse.Realtime.Feed;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Realtime.SocketIo;

/// <summary>The real socket.io-client under Node.js, where both can be had.</summary>
public sealed class SocketIoClientTests : IAsyncLifetime
{
    private const string Version = "4";
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Fact]
    public async Task It_connects_subscribes_and_comes_back_by_itself()
    {
        var folder = NodeScript.RequirePackage("socket.io-client", Version);
        var host = await _city.ReplicaAsync(("Realtime:SocketIoPingInterval", "00:00:00.3"));
        using var node = NodeScript.Start($$"""
            import { io } from 'socket.io-client';
            const socket = io('{{host.Address}}', {
              path: '/ws', transports: ['websocket'], reconnectionDelay: 50,
              auth: { token: '{{_city.Api.Token(_city.Organization)}}' },
            });
            let last;
            socket.on('connect', async () => {
              console.log('connected ' + socket.io.engine.transport.name);
              console.log('answer ' + JSON.stringify(await socket.emitWithAck('subscribe', { topics: ['readings'], since: last })));
              console.log('refusal ' + (await socket.emitWithAck('subscribe', { topics: ['sensors/1/readings'] })).error);
              console.log('time ' + (await socket.emitWithAck('ping')));
              console.log('ready');
            });
            socket.on('event', event => { last = event.id; console.log('event ' + event.topic + ' ' + event.data[0].value + ' ' + event.id); });
            socket.on('error', error => console.log('error ' + error.code));
            socket.on('disconnect', reason => console.log('disconnected ' + reason));
            socket.on('connect_error', error => console.log('connect_error ' + error.message));
            """, folder);
        await node.ExpectAsync("connected websocket");
        (await node.ExpectAsync("\"gap\":false}")).ShouldStartWith("answer {\"topics\":[\"readings\"],\"lastId\":\"");
        await node.ExpectAsync("refusal There is no topic 'sensors/1/readings'.");
        await node.ExpectAsync("ready");

        var first = await _city.StoreOneAsync();
        await node.ExpectAsync($"event readings 1 {LiveCity.IdOf(first)}");
        _ = host.Broadcaster.Connections.ShouldHaveSingleItem().CloseAsync(FeedClose.Overflow);
        await node.ExpectAsync("error overflow");
        await node.ExpectAsync("disconnected transport close");
        var missed = await _city.StoreOneAsync();
        await node.ExpectAsync($"event readings 1 {LiveCity.IdOf(missed)}");
        await node.ExpectAsync("ready");

        _ = host.Broadcaster.Connections.ShouldHaveSingleItem().CloseAsync(FeedClose.Revoked);
        await node.ExpectAsync("error revoked");
        await node.ExpectAsync("disconnected io server disconnect");
        await Eventually.TrueAsync(() => host.Broadcaster.Connections.Count == 0, "it does not come back");
    }

    [Fact]
    public async Task A_bad_token_is_a_connect_error_and_polling_is_refused()
    {
        var folder = NodeScript.RequirePackage("socket.io-client", Version);
        var host = await _city.ReplicaAsync();
        using var node = NodeScript.Start($$"""
            import { io } from 'socket.io-client';
            io('{{host.Address}}', { path: '/ws', transports: ['websocket'], auth: { token: 'nonsense' } })
              .on('connect_error', error => {
                console.log('refused ' + error.data.code);
                io('{{host.Address}}', { path: '/ws', transports: ['polling'], forceNew: true })
                  .on('connect_error', error => console.log('polling ' + error.context.status));
              });
            """, folder);
        await node.ExpectAsync("refused unauthorized");
        await node.ExpectAsync("polling 400");
    }
}
