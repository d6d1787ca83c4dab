using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net.Sockets;
using System.Text;

namespace CityPulse.Bench.Fanout;

/// <summary>
/// A SignalR client as lean as can be, as the load shares the machine with what is measured: a socket, frames cut by hand,
/// events counted and their age taken from the value that they carry.
/// </summary>
internal sealed class Subscriber : IDisposable
{
    private const byte End = 0x1e;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[32 * 1024];
    private readonly Ages _ages;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _readyWhen;
    private int _filled;
    private int _events;

    private Subscriber(Ages ages, string readyWhen) => (_ages, _readyWhen) = (ages, Encoding.ASCII.GetBytes(readyWhen));

    public int Events => Volatile.Read(ref _events);

    /// <summary>Why it gets nothing any more, if so.</summary>
    public Exception? Fault { get; private set; }

    /// <param name="token">Access token; none for the bare hub.</param>
    public static async Task<Subscriber> ConnectAsync(Uri server, string? token, Ages ages, CancellationToken cancellationToken)
    {
        var subscriber = new Subscriber(ages, token is null ? "{}" : "\"type\":3");
        await subscriber._socket.ConnectAsync(server.Host, server.Port, cancellationToken);
        var query = token is null ? "" : $"?access_token={token}";
        await subscriber._socket.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /ws{query} HTTP/1.1\r\nHost: {server.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"), cancellationToken);
        await subscriber.ReadUpgradeAsync(cancellationToken);
        await subscriber.SendAsync("""{"protocol":"json","version":1}""");
        if (token is not null)
        {
            await subscriber.SendAsync("""{"type":1,"invocationId":"1","target":"Subscribe","arguments":[["readings"],null]}""");
        }

        _ = subscriber.ReadAsync();
        await subscriber._ready.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
        return subscriber;
    }

    /// <summary>Says that it is there, which SignalR wants to hear now and then.</summary>
    public async Task SendAsync(string message)
    {
        var text = Encoding.UTF8.GetBytes(message + (char)End);
        // A text frame, masked with zeros.
        byte[] frame = text.Length < 126
            ? [0x81, (byte)(0x80 | text.Length), 0, 0, 0, 0, .. text]
            : [0x81, 0x80 | 126, (byte)(text.Length >> 8), (byte)text.Length, 0, 0, 0, 0, .. text];
        await _socket.SendAsync(frame);
    }

    public void Dispose() => _socket.Dispose();

    private async Task ReadUpgradeAsync(CancellationToken cancellationToken)
    {
        int end;
        while ((end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            var read = await _socket.ReceiveAsync(_buffer.AsMemory(_filled), cancellationToken);
            _filled = read > 0 ? _filled + read : throw new BenchException("The server hung up at the upgrade.");
        }

        if (!_buffer.AsSpan().StartsWith("HTTP/1.1 101"u8))
        {
            throw new BenchException($"The server does not upgrade: {Encoding.ASCII.GetString(_buffer, 0, Math.Min(end, 200))}");
        }

        Drop(end + 4);
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                Drop(ReadFrames(_buffer.AsSpan(0, _filled)));
                var read = await _socket.ReceiveAsync(_buffer.AsMemory(_filled), SocketFlags.None);
                _filled = read > 0 ? _filled + read : throw new BenchException("The server hung up.");
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or BenchException)
        {
            Fault = e;
            _ready.TrySetException(e);
        }
    }

    /// <returns>How much of the bytes was whole frames.</returns>
    private int ReadFrames(ReadOnlySpan<byte> bytes)
    {
        var done = 0;
        while (bytes.Length - done >= 2)
        {
            var (header, length) = (2, bytes[done + 1] & 0x7f);
            if (length == 126)
            {
                if (bytes.Length - done < 4)
                {
                    break;
                }

                (header, length) = (4, BinaryPrimitives.ReadUInt16BigEndian(bytes[(done + 2)..]));
            }
            else if (length == 127)
            {
                throw new BenchException("A frame is longer than any that is expected.");
            }

            if (bytes.Length - done < header + length)
            {
                break;
            }

            if ((bytes[done] & 0x0f) == 8)
            {
                throw new BenchException("The server closed the connection.");
            }

            ReadMessages(bytes.Slice(done + header, length));
            done += header + length;
        }

        return done;
    }

    private void ReadMessages(ReadOnlySpan<byte> text)
    {
        for (int end; (end = text.IndexOf(End)) >= 0; text = text[(end + 1)..])
        {
            var message = text[..end];
            var value = message.LastIndexOf("\"value\":"u8);
            if (value >= 0)
            {
                _events++;
                if (Utf8Parser.TryParse(message[(value + 8)..], out double sent, out _))
                {
                    _ages.Add(Clock.Milliseconds() - sent);
                }
            }
            else if (message.IndexOf(_readyWhen) >= 0)
            {
                _ready.TrySetResult();
            }
        }
    }

    private void Drop(int count)
    {
        _buffer.AsSpan(count, _filled - count).CopyTo(_buffer);
        _filled -= count;
    }
}

/// <summary>How old events were when they arrived, in steps of a fifth of a millisecond, up to 20 s.</summary>
internal sealed class Ages
{
    private readonly int[] _counts = new int[100_001];

    public void Add(double milliseconds) => Interlocked.Increment(ref _counts[(int)Math.Clamp(milliseconds * 5, 0, _counts.Length - 1)]);

    public void Clear() => Array.Clear(_counts);

    public double Percentile(double share)
    {
        var left = (long)Math.Ceiling(_counts.Sum(c => (long)c) * share);
        var step = 0;
        while (step < _counts.Length - 1 && (left -= _counts[step]) > 0)
        {
            step++;
        }

        return (step + 1) / 5.0;
    }
}
