using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CityPulse.Realtime.Feed;

namespace CityPulse.Realtime.SocketIo;

/// <summary>
/// Writes to one Socket.IO connection, one message after the other. An event's message is made once and its bytes are
/// shared by all connections.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore holds no handle, and a goodbye may still wait for it after the end.")]
internal sealed class SocketIoSink(WebSocket socket) : IFeedSink
{
    private sealed record EventMessage(byte[] Bytes);

    private static readonly Func<FeedEvent, EventMessage> Render = feedEvent => new EventMessage([.. "42[\"event\","u8, .. feedEvent.Json.Span, (byte)']']);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask SendAsync(FeedEvent feedEvent) => WriteAsync(feedEvent.As(Render).Bytes);

    /// <summary>Sends a packet other than an event.</summary>
    /// <param name="packet">The message's text before the JSON.</param>
    /// <param name="data">Written as JSON behind it.</param>
    public ValueTask WriteAsync<T>(string packet, T data) => WriteAsync(Message(packet, data));

    public ValueTask AcknowledgeAsync<T>(long id, T answer) =>
        WriteAsync(Message(string.Create(CultureInfo.InvariantCulture, $"43{id}["), answer, "]"));

    /// <summary>Completes when the transport has taken the message. Never throws: who reads from the socket learns of its end.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> message)
    {
        if (!_turn.Wait(0))
        {
            return new ValueTask(WaitAndSendAsync(message));
        }

        var sending = Begin(message);
        if (!sending.IsCompletedSuccessfully)
        {
            return new ValueTask(FinishAsync(sending));
        }

        _turn.Release();
        return ValueTask.CompletedTask;
    }

    /// <summary>The connection is over.</summary>
    public void End() => _gone.TrySetResult();

    public async Task CloseAsync(FeedClose why, TimeSpan patience)
    {
        try
        {
            await SayGoodbyeAsync(why).WaitAsync(patience);
            await _gone.Task.WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            // It does not read. It will find the connection closed.
        }

        socket.Abort();
    }

    private async Task SayGoodbyeAsync(FeedClose why)
    {
        await WriteAsync(Message("42[\"error\",", new { code = why.Code(), detail = why.Detail() }, "]"));
        if (!why.MayReturn())
        {
            // The client's own word for "do not come back by yourself". Without it a lost connection is opened again.
            await WriteAsync("41"u8.ToArray());
        }

        await FinishAsync(why.MayReturn() ? WebSocketCloseStatus.EndpointUnavailable : WebSocketCloseStatus.NormalClosure, why.Code());
    }

    /// <summary>Says the WebSocket's own goodbye.</summary>
    public async Task FinishAsync(WebSocketCloseStatus status, string reason)
    {
        await _turn.WaitAsync();
        try
        {
            await socket.CloseOutputAsync(status, reason, CancellationToken.None);
        }
        catch (Exception e) when (IsGone(e))
        {
            // The other side was faster.
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What reading from or writing to a socket fails with when the other side is gone.</summary>
    public static bool IsGone(Exception e) =>
        e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException;

    private static byte[] Message<T>(string before, T data, string after = "") =>
        [.. Encoding.UTF8.GetBytes(before), .. JsonSerializer.SerializeToUtf8Bytes(data, JsonSerializerOptions.Web), .. Encoding.UTF8.GetBytes(after)];

    // Without a token that could cancel it: only then does a send that the transport takes at once cost no allocation.
    private ValueTask Begin(ReadOnlyMemory<byte> message)
    {
        try
        {
            return socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        }
        catch (Exception e) when (IsGone(e))
        {
            return ValueTask.CompletedTask;
        }
    }

    private async Task FinishAsync(ValueTask sending)
    {
        try
        {
            await sending;
        }
        catch (Exception e) when (IsGone(e))
        {
            // The reading side ends the connection.
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task WaitAndSendAsync(ReadOnlyMemory<byte> message)
    {
        await _turn.WaitAsync();
        await FinishAsync(Begin(message));
    }
}
