using System.Net.WebSockets;
using System.Text;
using CityPulse.Contracts;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>A client that does not read is told, put out, and slows nobody.</summary>
public sealed class SlowClientTests : IAsyncLifetime
{
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Fact]
    public async Task It_overflows_while_another_gets_everything_and_it_can_resume()
    {
        var host = await _city.ReplicaAsync(("Realtime:QueueEvents", "50"), ("Realtime:CloseTime", "00:00:20"));
        var fast = await _city.ConnectAsync(host);
        await fast.SubscribeAsync(["alerts"]);
        using var slow = new ClientWebSocket();
        await slow.ConnectAsync(new UriBuilder(host.Door) { Scheme = "ws", Query = $"access_token={_city.Api.Token(_city.Organization)}" }.Uri,
            TestContext.Current.CancellationToken);
        await SendAsync(slow, """{"protocol":"json","version":1}""");
        await SendAsync(slow, """{"type":1,"invocationId":"1","target":"Subscribe","arguments":[["alerts"],null]}""");
        await ReadUntilAsync(slow, "\"lastId\"");

        // More than the sockets' buffers and its queue can hold, whatever they are on this machine.
        var data = Encoding.UTF8.GetBytes($$"""{ "note": "{{new string('x', 60_000)}}" }""");
        var records = new List<StreamRecord>();
        while (host.Broadcaster.Connections.Count(connection => !connection.IsClosing) == 2)
        {
            records.Count.ShouldBeLessThan(5_000);
            records.Add(await _city.PublishAsync(_city.Api.Append(_city.Organization, "alert.raised", ["alerts"], data)));
            await fast.NextAsync();
        }

        var read = await ReadUntilAsync(slow, "\"type\":7");
        read.ShouldContain("\"target\":\"error\"");
        read.ShouldContain("\"code\":\"overflow\"");
        read.ShouldContain("\"error\":\"overflow\"");
        read.ShouldContain("\"allowReconnect\":true");

        // It resumes from the last it saw; what overflowed it is replayed at its own pace.
        var again = await _city.ConnectAsync(host);
        await again.SubscribeAsync(["alerts"], LiveCity.IdOf(records[0]).ToString());
        (await again.IdsThroughAsync(LiveCity.IdOf(records[^1]))).ShouldBe(records.Skip(1).Select(r => LiveCity.IdOf(r).ToString()));
        fast.ShouldHaveNothingMore();
    }

    private static ValueTask SendAsync(ClientWebSocket socket, string message) => socket.SendAsync(
        Encoding.UTF8.GetBytes(message + '\x1e').AsMemory(), WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);

    /// <summary>Reads until a text comes by, and returns the last part that was read.</summary>
    private static async Task<string> ReadUntilAsync(ClientWebSocket socket, string text)
    {
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        var buffer = new byte[64 * 1024];
        var read = "";
        while (!read.Contains(text, StringComparison.Ordinal))
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), deadline.Token);
            part.MessageType.ShouldBe(WebSocketMessageType.Text, $"the connection ended before '{text}'");
            read = (read.Length > 4_000 ? read[^4_000..] : read) + Encoding.UTF8.GetString(buffer, 0, part.Count);
        }

        return read;
    }
}
