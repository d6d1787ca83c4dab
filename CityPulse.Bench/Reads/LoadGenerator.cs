using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CityPulse.Bench.Reads;

/// <summary>
/// As many connections as are asked for, each of which sends the same request again as soon as it has been answered. Plain sockets: a
/// real client would need more of the machine than the server that it measures.
/// </summary>
/// <param name="body">JSON to post; without it the request is a GET.</param>
internal sealed class LoadGenerator(
    Uri address, string path, IReadOnlyList<(string Name, string Value)> headers, int expectedStatus, string? body = null)
{
    private readonly byte[] _request = Encoding.ASCII.GetBytes(
        $"{(body is null ? "GET" : "POST")} {path} HTTP/1.1\r\nHost: {address.Authority}\r\n{string.Concat(headers.Select(h => $"{h.Name}: {h.Value}\r\n"))}"
        + (body is null ? "\r\n" : $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

    /// <returns>Answers a second.</returns>
    public async Task<double> RunAsync(int connections, TimeSpan duration, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(() => ConnectionAsync(start, duration, cancellationToken), cancellationToken)));
        return counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>One request after the other, on one connection.</summary>
    /// <param name="mark">What ends the clock of a request when it has come; null: the whole answer.</param>
    /// <returns>Milliseconds, in order of size.</returns>
    public async Task<double[]> SampleAsync(TimeSpan duration, string? mark, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, cancellationToken);
        var buffer = new byte[256 * 1024];
        var (start, samples) = (Stopwatch.GetTimestamp(), new List<double>());
        while (Stopwatch.GetElapsedTime(start) < duration)
        {
            var sent = Stopwatch.GetTimestamp();
            await socket.SendAsync(_request, cancellationToken);
            var marked = await ReceiveAsync(socket, buffer, cancellationToken, mark is null ? null : Encoding.ASCII.GetBytes(mark));
            samples.Add(Stopwatch.GetElapsedTime(sent, marked).TotalMilliseconds);
        }

        return [.. samples.Order()];
    }

    private async Task<long> ConnectionAsync(long start, TimeSpan duration, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port, cancellationToken);
        var buffer = new byte[256 * 1024];
        long count = 0;
        while (Stopwatch.GetElapsedTime(start) < duration)
        {
            await socket.SendAsync(_request, cancellationToken);
            await ReceiveAsync(socket, buffer, cancellationToken);
            count++;
        }

        return count;
    }

    /// <returns>When the mark had come; without one, when all had.</returns>
    private async Task<long> ReceiveAsync(Socket socket, byte[] buffer, CancellationToken cancellationToken, byte[]? mark = null)
    {
        var (have, need, marked) = (0, int.MaxValue, 0L);
        while (have < need)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(have), cancellationToken);
            have += received;
            if (received == 0 || have == buffer.Length)
            {
                throw new BenchException($"The answer to {path} broke off or is too long after {have} bytes: {Encoding.ASCII.GetString(buffer, 0, Math.Min(have, 500))}");
            }

            if (marked == 0 && mark is not null && buffer.AsSpan(0, have).IndexOf(mark) >= 0)
            {
                marked = Stopwatch.GetTimestamp();
            }

            if (need == int.MaxValue)
            {
                need = LengthOf(buffer.AsSpan(0, have));
            }
        }

        return marked != 0 ? marked : Stopwatch.GetTimestamp();
    }

    /// <returns>Bytes of the whole answer; <see cref="int.MaxValue"/> while its head is incomplete, and for chunks until the last has come.</returns>
    private int LengthOf(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return int.MaxValue;
        }

        if (!Utf8Parser.TryParse(answer[9..12], out int status, out _) || status != expectedStatus)
        {
            throw new BenchException($"{path} was answered {Encoding.ASCII.GetString(answer[..Math.Min(answer.Length, 800)])}");
        }

        var at = answer[..head].IndexOf("Content-Length: "u8);
        if (at >= 0 && Utf8Parser.TryParse(answer[(at + 16)..], out int length, out _))
        {
            return head + 4 + length;
        }

        return status == 304 ? head + 4 : answer.EndsWith("0\r\n\r\n"u8) ? answer.Length : int.MaxValue;
    }
}
