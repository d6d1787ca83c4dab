using System.IO.Compression;
using System.Net;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

public sealed class BodyLimitTests : IAsyncLifetime
{
    private const int Limit = 1_000_000;
    private DefaultsHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await DefaultsHost.StartAsync(app =>
    {
        app.MapPost("/stream", async (HttpRequest request) =>
        {
            var buffer = new byte[64 * 1024];
            var total = 0L;
            for (int read; (read = await request.Body.ReadAsync(buffer)) > 0; total += read)
            {
            }

            return total;
        }).AllowAnonymous().WithMetadata(new RequestSizeLimitAttribute(Limit));
        app.MapPost("/json", (string[] words) => words.Length).AllowAnonymous();
    });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    public enum Sent
    {
        Announced,
        Chunked,
        Packed,
    }

    private static HttpContent Body(int bytes, Sent sent)
    {
        var plain = new byte[bytes];
        if (sent != Sent.Packed)
        {
            // A stream that cannot tell its length is sent in chunks.
            return sent == Sent.Announced ? new ByteArrayContent(plain) : new StreamContent(new BufferedStream(new Endless(bytes)));
        }

        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(plain);
        }

        return new ByteArrayContent(packed.ToArray()) { Headers = { ContentEncoding = { "gzip" } } };
    }

    [Theory]
    [InlineData(Sent.Announced)]
    [InlineData(Sent.Chunked)]
    [InlineData(Sent.Packed)]
    public async Task The_last_byte_that_is_allowed_is_taken_and_the_next_one_is_413(Sent sent)
    {
        using var good = await _host.SendAsync(HttpMethod.Post, "/stream", Body(Limit, sent));
        (await good.Content.ReadAsStringAsync()).ShouldBe($"{Limit}");
        using var bad = await _host.SendAsync(HttpMethod.Post, "/stream", Body(Limit + 1, sent));
        await bad.ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
    }

    [Theory]
    [InlineData(Sent.Announced)]
    [InlineData(Sent.Chunked)]
    public async Task A_client_that_goes_on_sending_still_hears_the_answer(Sent sent)
    {
        using var stream = await _host.SendAsync(HttpMethod.Post, "/stream", Body(100_000_000, sent));
        await stream.ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);

        var body = Body(100_000_000, sent);
        body.Headers.ContentType = new("application/json");
        using var json = await _host.SendAsync(HttpMethod.Post, "/json", body);
        // In chunks the zeros are found to be no JSON long before they are too many.
        await json.ShouldBeProblemAsync(sent == Sent.Announced ? HttpStatusCode.RequestEntityTooLarge : HttpStatusCode.BadRequest);
    }

    private sealed class Endless(long bytes) : MemoryStream
    {
        private long _left = bytes;

        public override bool CanSeek => false;

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var read = (int)Math.Min(buffer.Length, _left);
            buffer[..read].Clear();
            _left -= read;
            return read;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            Task.FromResult(Read(buffer.AsSpan(offset, count)));
    }
}
