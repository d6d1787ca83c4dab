using System.Buffers;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using CityPulse.Realtime.Feed;
using CityPulse.Realtime.SocketIo.Domain;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace CityPulse.Realtime.SocketIo;

/// <summary>
/// One Engine.IO connection from its opening to its end, and on it one Socket.IO connection to the namespace <c>/</c>:
/// reads packets, signs in, keeps the heartbeat, and hands calls on, one after the other.
/// </summary>
internal sealed class SocketIoSession : IAsyncDisposable
{
    private const int CallsWaiting = 64;
    private static readonly ReadOnlyMemory<byte> Ping = "2"u8.ToArray();

    private readonly WebSocket _socket;
    private readonly HttpContext _request;
    private readonly SocketIoSignIn _signIn;
    private readonly SocketIoCalls _calls;
    private readonly Admission _admission;
    private readonly RealtimeOptions _options;
    private readonly ILogger<SocketIoSession> _log;
    private readonly SocketIoSink _sink;
    private readonly CancellationTokenSource _over;
    private readonly ITimer _deadline;
    private readonly ITimer _heart;
    private readonly Channel<(FeedConnection Feed, long? AckId, JsonElement Call)> _waiting =
        Channel.CreateBounded<(FeedConnection, long?, JsonElement)>(new BoundedChannelOptions(CallsWaiting) { SingleReader = true, SingleWriter = true });

    private FeedConnection? _feed;
    private bool _isPongDue;

    public SocketIoSession(
        WebSocket socket, HttpContext request, SocketIoSignIn signIn, SocketIoCalls calls, Admission admission,
        IOptions<RealtimeOptions> options, TimeProvider time, ILogger<SocketIoSession> log)
    {
        (_socket, _request, _signIn, _calls, _admission, _options, _log) = (socket, request, signIn, calls, admission, options.Value, log);
        _sink = new SocketIoSink(socket);
        _over = CancellationTokenSource.CreateLinkedTokenSource(request.RequestAborted);
        _deadline = time.CreateTimer(_ => _over.Cancel(), null, _options.SocketIoConnectTime, Timeout.InfiniteTimeSpan);
        _heart = time.CreateTimer(_ => Beat(), null, _options.SocketIoPingInterval, Timeout.InfiniteTimeSpan);
    }

    public async Task RunAsync()
    {
        await _sink.WriteAsync("0", new
        {
            sid = NewId(),
            upgrades = Array.Empty<string>(),
            pingInterval = (int)_options.SocketIoPingInterval.TotalMilliseconds,
            pingTimeout = (int)_options.SocketIoPingTimeout.TotalMilliseconds,
            maxPayload = Door.LongestCall,
        });
        var answering = AnswerCallsAsync();
        try
        {
            await ReadAsync();
        }
        catch (Exception e) when (SocketIoSink.IsGone(e))
        {
            // The client is gone, with or without a word.
        }
        finally
        {
            _waiting.Writer.TryComplete();
            Leave();
            _sink.End();
            await answering;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _deadline.DisposeAsync();
        await _heart.DisposeAsync();
        _over.Dispose();
    }

    private async Task ReadAsync()
    {
        var message = new ArrayBufferWriter<byte>(1024);
        while (true)
        {
            var part = await _socket.ReceiveAsync(message.GetMemory(1024), _over.Token);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                await _sink.FinishAsync(WebSocketCloseStatus.NormalClosure, "");
                return;
            }

            message.Advance(part.Count);
            if (message.WrittenCount > Door.LongestCall)
            {
                await _sink.FinishAsync(WebSocketCloseStatus.MessageTooBig, "The message is too long.");
                return;
            }

            if (!part.EndOfMessage)
            {
                continue;
            }

            // Attachments belong to binary events, and no call has any.
            if (part.MessageType == WebSocketMessageType.Text && !await ReadAsync(message.WrittenMemory))
            {
                await _sink.FinishAsync(WebSocketCloseStatus.NormalClosure, "");
                return;
            }

            message.ResetWrittenCount();
        }
    }

    /// <summary>Takes one Engine.IO packet. False when the connection has to end.</summary>
    private async ValueTask<bool> ReadAsync(ReadOnlyMemory<byte> packet)
    {
        switch (packet.Length == 0 ? default : (char)packet.Span[0])
        {
            case '3':
                _isPongDue = false;
                _heart.Change(_options.SocketIoPingInterval, Timeout.InfiniteTimeSpan);
                return true;
            case '4':
                return SocketPacket.TryParse(packet[1..], out var inner) && await ReadAsync(inner);
            case '6':
                return true;
            default:
                // A close, a heartbeat in the wrong direction, or nothing that Engine.IO knows.
                return false;
        }
    }

    private async ValueTask<bool> ReadAsync(SocketPacket packet)
    {
        if (packet.Kind == PacketKind.Connect)
        {
            return packet.Namespace == SocketPacket.Root ? await ConnectAsync(packet.Json) : await RefuseNamespaceAsync(packet.Namespace);
        }

        if (_feed is null || packet.Namespace != SocketPacket.Root)
        {
            return false;
        }

        switch (packet.Kind)
        {
            case PacketKind.Disconnect:
                Leave();
                _deadline.Change(_options.SocketIoConnectTime, Timeout.InfiniteTimeSpan);
                return true;
            case PacketKind.Event or PacketKind.BinaryEvent:
                if (!TryReadCall(packet.Json, out var call))
                {
                    return false;
                }

                await _waiting.Writer.WriteAsync((_feed, packet.AckId, call), _over.Token);
                return true;
            case PacketKind.Ack or PacketKind.BinaryAck:
                // Nothing sent from here asks for one.
                return true;
            default:
                return false;
        }
    }

    private async ValueTask<bool> ConnectAsync(ReadOnlyMemory<byte> auth)
    {
        if (_feed is not null)
        {
            return false;
        }

        var outcome = await _signIn.SignInAsync(_request, auth);
        if (outcome.User is null)
        {
            await _sink.WriteAsync("44", new { message = outcome.Refusal, data = new { code = "unauthorized" } });
            return true;
        }

        var id = NewId();
        _deadline.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await _sink.WriteAsync("40", new { sid = id });
        _feed = _admission.Admit(id, outcome.User, outcome.Frontend, outcome.AccessToken, _sink);
        return true;
    }

    private async ValueTask<bool> RefuseNamespaceAsync(string name)
    {
        await _sink.WriteAsync($"44{name},", new { message = "Invalid namespace" });
        return true;
    }

    private async Task AnswerCallsAsync()
    {
        await foreach (var (feed, ackId, call) in _waiting.Reader.ReadAllAsync())
        {
            try
            {
                var answer = await _calls.AnswerAsync(feed, call);
                if (ackId is { } id)
                {
                    await _sink.AcknowledgeAsync(id, answer);
                }
            }
            catch (OperationCanceledException) when (feed.Ended.IsCancellationRequested)
            {
                // Nobody waits for the answer any more.
            }
            catch (Exception e)
            {
                // A fault of ours: this client starts anew, the others notice nothing.
                _log.LogError(e, "A call of connection {Connection} failed", feed.Id);
                await _over.CancelAsync();
            }
        }
    }

    /// <summary>The Socket.IO connection is over, whoever ended it.</summary>
    private void Leave()
    {
        if (_feed is { } feed)
        {
            _feed = null;
            _admission.Dismiss(feed);
        }
    }

    private void Beat()
    {
        if (_isPongDue)
        {
            _over.Cancel();
            return;
        }

        _isPongDue = true;
        _ = AskAsync();

        // What a slow client has still to read lies before the question: its time to answer begins when it is on its way.
        async Task AskAsync()
        {
            await _sink.WriteAsync(Ping);
            _heart.Change(_options.SocketIoPingTimeout, Timeout.InfiniteTimeSpan);
        }
    }

    private static bool TryReadCall(ReadOnlyMemory<byte> json, out JsonElement call)
    {
        try
        {
            call = JsonElement.Parse(json.Span);
            return call.ValueKind == JsonValueKind.Array && call.GetArrayLength() > 0 && call[0].ValueKind == JsonValueKind.String;
        }
        catch (JsonException)
        {
            call = default;
            return false;
        }
    }

    private static string NewId() => WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(15));
}
