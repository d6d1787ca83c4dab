using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;

namespace CityPulse.Tests.Security;

/// <summary>What no HTTP client would send: the server refuses it or hangs up, says nothing of itself, and goes on serving others.</summary>
public sealed class MalformedConnectionTests(FuzzedApi api) : IClassFixture<FuzzedApi>
{
    private const string PrefaceOfHttp2 = "the preface of HTTP/2";
    private const string List = "/api/v1/citypulse/buildings";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(200);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Wrong => new()
    {
        { "no request line", "\r\n\r\n\r\n" },
        { "noise", "\u0001\u0002\u0003\u00ff\r\n\r\n" },
        { "a greeting of TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003" },
        { PrefaceOfHttp2, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
        { "no version", $"GET {List}\r\n\r\n" },
        { "a version of tomorrow", $"GET {List} HTTP/9.9\r\nHost: a\r\n\r\n" },
        { "a method with a space", $"GE T {List} HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "NUL in the path", $"GET {List}\u0000 HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "NUL in a header", $"GET {List} HTTP/1.1\r\nHost: a\r\nX: a\u0000b\r\n\r\n" },
        { "bytes that are no UTF-8 in the path", $"GET {List}/\u00c0\u00af HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "a broken escape", $"GET {List}/%zz%1 HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "an escaped NUL", $"GET {List}/%00 HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "escapes that are no UTF-8", $"GET {List}?q=%ff%fe%c0%af HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "no host", $"GET {List} HTTP/1.1\r\n\r\n" },
        { "two hosts", $"GET {List} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" },
        { "a header without a name", $"GET {List} HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n" },
        { "a space before the colon", $"GET {List} HTTP/1.1\r\nHost : a\r\n\r\n" },
        { "a folded header", $"GET {List} HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n" },
        { "a line feed alone", $"GET {List} HTTP/1.1\nHost: a\n\n" },
        { "two lengths", $"POST {List} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" },
        { "a negative length", $"POST {List} HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n" },
        { "a length beyond all numbers", $"POST {List} HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n" },
        { "a length and chunks", $"POST {List} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { "another transfer encoding", $"POST {List} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n" },
        { "a chunk of no number", Chunked("zz\r\nab\r\n0\r\n\r\n") },
        { "a chunk of a negative number", Chunked("-1\r\na\r\n0\r\n\r\n") },
        { "a chunk beyond all numbers", Chunked("fffffffffffffffff\r\na\r\n") },
        { "a chunk that is longer than it says", Chunked("1\r\nabcdef\r\n0\r\n\r\n") },
        { "a chunk's endless extension", Chunked($"1;{new string('x', 100_000)}\r\n") },
        { "a header of 100 KB", $"GET {List} HTTP/1.1\r\nHost: a\r\nX: {new string('x', 100_000)}\r\n\r\n" },
        { "ten thousand headers", $"GET {List} HTTP/1.1\r\nHost: a\r\n{string.Concat(Enumerable.Range(0, 10_000).Select(i => $"X{i}: y\r\n"))}\r\n" },
        { "a path of 100 KB", $"GET /{new string('p', 100_000)} HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "a path that climbs", "GET /../../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "a whole address of elsewhere", "GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "a tunnel", "CONNECT 127.0.0.1:5432 HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "a trace", $"TRACE {List} HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "a star", "GET * HTTP/1.1\r\nHost: a\r\n\r\n" },
        { "an upgrade to nothing", $"GET {List} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: nonsense\r\n\r\n" },
        { "an expectation of nothing", $"POST {List} HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 0\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_no_request_is_refused_or_hung_up_on(string what, string bytes)
    {
        ShouldBeRefusal(await SendAsync(Encoding.Latin1.GetBytes(bytes)), what);
        await StillServesAsync();
    }

    [Fact]
    public async Task A_thousand_requests_with_a_few_bytes_altered_do_no_harm()
    {
        const int seed = 20261128;
        var good = Encoding.ASCII.GetBytes(
            $"POST {List}?q=a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {api.City.City.AccessToken}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + "b\r\n{\"name\":\"a\"\r\n1\r\n}\r\n0\r\n\r\n");
        await Parallel.ForEachAsync(Enumerable.Range(0, 1000), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancel }, async (number, _) =>
        {
            var random = new Random(unchecked((seed * 397) ^ number));
            byte[] altered = [.. good];
            for (var faults = random.Next(1, 6); faults > 0; faults--)
            {
                altered[random.Next(altered.Length)] = (byte)random.Next(256);
            }

            var sent = number % 2 == 0 ? altered : altered[..random.Next(altered.Length / 2, altered.Length)];
            ShouldBeRefusal(await SendAsync(sent), $"seed {seed}, number {number}: {Convert.ToBase64String(altered)}");
        });
        await StillServesAsync();
    }

    [Fact]
    public async Task Two_requests_in_one_packet_are_two_answers()
    {
        var one = $"GET {List} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {api.City.City.AccessToken}\r\n";
        var answer = await SendAsync(Encoding.ASCII.GetBytes($"{one}\r\n{one}Connection: close\r\n\r\n"), hangsUp: false);
        answer.Split("HTTP/1.1 200 OK").Length.ShouldBe(3, answer);
    }

    private static string Chunked(string chunks) =>
        $"POST {List} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}";

    /// <summary>
    /// All that the server says until it hangs up. A client that hears nothing for a while, or hears the beginning of an answer, says that it
    /// has no more to say.
    /// </summary>
    private async Task<string> SendAsync(byte[] bytes, bool hangsUp = true)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(Patience);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, api.Host.BaseAddress.Port, deadline.Token);
        var answer = new MemoryStream();
        try
        {
            var stream = client.GetStream();
            await stream.WriteAsync(bytes, deadline.Token);
            var first = new byte[4096];
            var reading = stream.ReadAsync(first, deadline.Token).AsTask();
            await Task.WhenAny(reading, Task.Delay(Silence, deadline.Token));
            if (hangsUp)
            {
                client.Client.Shutdown(SocketShutdown.Send);
            }

            var read = await reading;
            answer.Write(first, 0, read);
            if (read > 0)
            {
                await stream.CopyToAsync(answer, deadline.Token);
            }
        }
        catch (IOException)
        {
            // Hung up on while still talking: an answer, too.
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }

    private static void ShouldBeRefusal(string answer, string what)
    {
        if (answer.Length == 0 || (what == PrefaceOfHttp2 && answer[0] < ' '))
        {
            // Hung up on; of HTTP/2 with the frame that says goodbye in it.
            return;
        }

        answer.ShouldStartWith("HTTP/1.1 ", customMessage: what);
        var status = int.Parse(answer.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
        if (status != 505)
        {
            // 505 is the word for a version of HTTP that nobody speaks.
            status.ShouldBeInRange(200, 499, $"{what}\n{answer}");
        }

        answer.ShouldNotContain("\r\nServer:", Case.Insensitive, what);
        var body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        if (status >= 400 && body.Length > 0)
        {
            answer.ShouldContain("application/problem+json", Case.Insensitive, what);
            body.ShouldNotContain("Exception", Case.Sensitive, what);
        }
    }

    private async Task StillServesAsync()
    {
        using var after = await api.City.City.Client.GetAsync(List, Cancel);
        after.IsSuccessStatusCode.ShouldBeTrue();
    }
}
