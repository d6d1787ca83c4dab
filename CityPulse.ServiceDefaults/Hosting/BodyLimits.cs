using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>
/// Bodies that are too large are refused by us and not by the server: it would close the connection under the client's hands, and
/// the client, still sending, would see a broken pipe instead of the 413. So the server's limit is lifted by what may still be read
/// and thrown away while the answer is on its way, see <see cref="UnreadBodies"/>.
/// </summary>
internal static class BodyLimits
{
    /// <summary>The endpoint's limit, in decoded bytes, of a body that has to be counted.</summary>
    private sealed record Counted(long Limit);

    /// <summary>Before bodies are unpacked.</summary>
    public static void UseAnnouncedBodyLimits(this IApplicationBuilder app) => app.Use(static (context, next) =>
    {
        var server = context.Features.Get<IHttpMaxRequestBodySizeFeature>();
        if (server is not { IsReadOnly: false, MaxRequestBodySize: { } limit } || context.IsPassThrough()
            || context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == false)
        {
            return next(context);
        }

        var announced = context.Request.ContentLength;
        var packed = context.Request.Headers.ContentEncoding.Count > 0;
        if (announced <= limit && !packed)
        {
            return next(context);
        }

        if (announced > limit)
        {
            return Problems.Of(StatusCodes.Status413PayloadTooLarge, $"The body is larger than the {limit} bytes that this call takes.").ExecuteAsync(context);
        }

        server.MaxRequestBodySize = limit + UnreadBodies.Discarded;
        context.Features.Set(new Counted(limit));
        return next(context);
    });

    /// <summary>After it, so that what counts is what a body unpacks to.</summary>
    public static void UseCountedBodyLimits(this IApplicationBuilder app) => app.Use(static (context, next) =>
    {
        if (context.Features.Get<Counted>() is { } counted)
        {
            context.Request.Body = new CountingStream(context.Request.Body, counted.Limit);
        }

        return next(context);
    });

    private sealed class CountingStream(Stream inner, long limit) : Stream
    {
        private long _read;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Count(await inner.ReadAsync(buffer, cancellationToken));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        // The server's own stream refuses it too.
        public override int Read(byte[] buffer, int offset, int count) => throw new InvalidOperationException("Read the body asynchronously.");

        private int Count(int bytes)
        {
            _read += bytes;
            return _read <= limit
                ? bytes
                : throw new BadHttpRequestException("The body is too large.", StatusCodes.Status413PayloadTooLarge);
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
