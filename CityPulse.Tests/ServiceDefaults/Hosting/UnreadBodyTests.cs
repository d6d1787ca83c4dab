using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

public sealed class UnreadBodyTests : IAsyncLifetime
{
    private const int Limit = 1000;

    /// <summary>The server's own five seconds are on a clock that cannot be set, so this client takes seven of its own for what it goes on sending.</summary>
    private const int SlowChunks = 14;
    private static readonly TimeSpan BetweenChunks = TimeSpan.FromMilliseconds(500);
    private DefaultsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await DefaultsHost.StartAsync(app =>
    {
        app.MapPost("/refused", () => TypedResults.BadRequest("no")).AllowAnonymous();
        app.MapPost("/short", (HttpRequest request) => request.Body.CopyToAsync(Stream.Null))
            .AllowAnonymous().WithMetadata(new RequestSizeLimitAttribute(Limit));
        app.MapPost("/members", () => "in");
    });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public Task A_client_that_sends_for_long_after_it_was_refused_keeps_its_connection() => Task.WhenAll(
        SendsForLongAsync("/refused", 400), SendsForLongAsync("/short", 413), SendsForLongAsync("/members", 401), SendsForLongAsync("/nowhere", 404));

    private async Task SendsForLongAsync(string path, int status)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_host.Address.Host, _host.Address.Port);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var stream = client.GetStream();
        await SendAsync($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
        await SendChunkAsync(2 * Limit);
        (await AnswerAsync()).ShouldStartWith($"HTTP/1.1 {status} ");

        for (var sent = 0; sent < SlowChunks; sent++)
        {
            await SendChunkAsync(100);
            await Task.Delay(BetweenChunks, deadline.Token);
        }

        await SendAsync("0\r\n\r\nPOST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        (await AnswerAsync()).ShouldStartWith("HTTP/1.1 400 ");

        Task SendChunkAsync(int bytes) => SendAsync($"{bytes:x}\r\n{new string('x', bytes)}\r\n");

        Task SendAsync(string text) => stream.WriteAsync(Encoding.ASCII.GetBytes(text), deadline.Token).AsTask();

        // The answers are short and say how long they are, or end with an empty chunk.
        async Task<string> AnswerAsync()
        {
            var answer = new StringBuilder();
            var buffer = new byte[4096];
            while (!IsWhole(answer.ToString()))
            {
                var read = await stream.ReadAsync(buffer, deadline.Token);
                read.ShouldNotBe(0, $"the connection was closed after: {answer}");
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }

            return answer.ToString();
        }
    }

    [Fact]
    public async Task What_is_taken_is_not_waited_for_and_what_was_read_is_not_read_again()
    {
        using var refused = await _host.SendAsync(HttpMethod.Post, "/refused", new StringContent("all of it"));
        refused.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using var read = await _host.SendAsync(HttpMethod.Post, "/short", new StringContent(new string('x', Limit)));
        read.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_client_that_sends_no_more_does_not_hold_up_a_stop()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_host.Address.Host, _host.Address.Port);
        var stream = client.GetStream();
        await stream.WriteAsync("POST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf"u8.ToArray());
        (await stream.ReadAsync(new byte[4096])).ShouldBePositive();
        await _host.StopAsync().WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static bool IsWhole(string answer)
    {
        var head = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (head < 0)
        {
            return false;
        }

        var length = answer.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase));
        return length is null
            ? answer.EndsWith("0\r\n\r\n", StringComparison.Ordinal)
            : answer.Length >= head + 4 + int.Parse(length["Content-Length: ".Length..], CultureInfo.InvariantCulture);
    }
}
