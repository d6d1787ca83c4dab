using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using CityPulse.Contracts;
using Shouldly;

namespace CityPulse.Tests.Realtime;

/// <summary>A Socket.IO client that shows the protocol: Engine.IO packets as they come, and what they mean.</summary>
internal sealed class SocketIoClient : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly Channel<JsonElement> _events = Channel.CreateUnbounded<JsonElement>();
    private readonly Channel<string> _others = Channel.CreateUnbounded<string>();
    private readonly Dictionary<long, TaskCompletionSource<JsonElement>> _calls = [];
    private readonly TaskCompletionSource<WebSocketCloseStatus?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastCall;

    private SocketIoClient()
    {
    }

    /// <summary>Whether pings are answered.</summary>
    public bool IsAlive { get; set; } = true;

    public int Pings { get; private set; }

    /// <summary>Completes when the connection is closed; with no status when it was just cut.</summary>
    public Task<WebSocketCloseStatus?> Closed => _closed.Task.WaitAsync(LiveClient.Patience);

    public static Uri Address(Uri door, string query = "EIO=4&transport=websocket") =>
        new UriBuilder(door) { Scheme = "ws", Path = "/ws/", Query = query }.Uri;

    /// <summary>Opens the Engine.IO connection; the opening packet is the first of <see cref="NextPacketAsync"/>.</summary>
    public static async Task<SocketIoClient> OpenAsync(Uri door, string? frontend = null)
    {
        var client = new SocketIoClient();
        if (frontend is not null)
        {
            client._socket.Options.SetRequestHeader(CityHeaders.FrontendSource, frontend);
        }

        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        await client._socket.ConnectAsync(Address(door), deadline.Token);
        _ = client.ReadAsync();
        return client;
    }

    /// <summary>Opens and signs in.</summary>
    public static async Task<SocketIoClient> ConnectAsync(Uri door, string token)
    {
        var client = await OpenAsync(door);
        (await client.NextPacketAsync()).ShouldStartWith("0{");
        await client.SendAsync($$"""40{"token":"{{token}}"}""");
        (await client.NextPacketAsync()).ShouldStartWith("40{\"sid\":\"");
        return client;
    }

    public async Task SendAsync(string packet)
    {
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        await _socket.SendAsync(Encoding.UTF8.GetBytes(packet).AsMemory(), WebSocketMessageType.Text, true, deadline.Token);
    }

    /// <summary>Emits an event and waits for its acknowledgement.</summary>
    public async Task<JsonElement> CallAsync(string name, object? argument = null)
    {
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var id = ++_lastCall;
        lock (_calls)
        {
            _calls.Add(id, answer);
        }

        await SendAsync($"42{id}{JsonSerializer.Serialize(argument is null ? [name] : new object[] { name, argument }, JsonSerializerOptions.Web)}");
        return await answer.Task.WaitAsync(LiveClient.Patience);
    }

    /// <summary>The next event's name and argument.</summary>
    public async Task<JsonElement> NextEmittedAsync()
    {
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        return await _events.Reader.ReadAsync(deadline.Token);
    }

    /// <summary>The next event of the stream.</summary>
    public async Task<JsonElement> NextAsync()
    {
        var emitted = await NextEmittedAsync();
        emitted.GetArrayLength().ShouldBe(2);
        emitted[0].GetString().ShouldBe("event");
        return emitted[1];
    }

    public async Task<List<string>> IdsThroughAsync(EventId last)
    {
        var ids = new List<string>();
        do
        {
            ids.Add((await NextAsync()).GetProperty("id").GetString()!);
        }
        while (ids[^1] != last.ToString());
        return ids;
    }

    /// <summary>The next packet that is neither an event nor an acknowledgement.</summary>
    public async Task<string> NextPacketAsync()
    {
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        return await _others.Reader.ReadAsync(deadline.Token);
    }

    public void ShouldHaveNothingMore() => _events.Reader.TryPeek(out _).ShouldBeFalse();

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ReadAsync()
    {
        try
        {
            var message = new MemoryStream();
            var buffer = new byte[64 * 1024];
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                    _closed.TrySetResult(_socket.CloseStatus);
                    return;
                }

                message.Write(buffer, 0, part.Count);
                if (part.EndOfMessage)
                {
                    await TakeAsync(Encoding.UTF8.GetString(message.GetBuffer(), 0, (int)message.Length));
                    message.SetLength(0);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or OperationCanceledException)
        {
            _closed.TrySetResult(null);
        }
    }

    private async Task TakeAsync(string packet)
    {
        if (packet == "2")
        {
            Pings++;
            if (IsAlive)
            {
                await SendAsync("3");
            }
        }
        else if (packet.StartsWith("42", StringComparison.Ordinal))
        {
            _events.Writer.TryWrite(JsonElement.Parse(packet[2..]));
        }
        else if (packet.StartsWith("43", StringComparison.Ordinal))
        {
            var start = packet.IndexOf('[', StringComparison.Ordinal);
            lock (_calls)
            {
                _calls[long.Parse(packet[2..start], System.Globalization.CultureInfo.InvariantCulture)]
                    .SetResult(JsonElement.Parse(packet[start..]).EnumerateArray().ShouldHaveSingleItem());
            }
        }
        else
        {
            _others.Writer.TryWrite(packet);
        }
    }
}
