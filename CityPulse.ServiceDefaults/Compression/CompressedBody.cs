using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using CityPulse.ServiceDefaults.Compression.Domain;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Encoding = CityPulse.ServiceDefaults.Compression.Domain.Encoding;

namespace CityPulse.ServiceDefaults.Compression;

/// <summary>
/// The body of an answer: holds the first kilobyte back until it is known whether there is more, then compresses or lets everything
/// through. An answer that is flushed earlier is a stream whose reader waits; it goes through as it is.
/// </summary>
internal sealed class CompressedBody(HttpContext context, IHttpResponseBodyFeature inner, Encoding encoding) : WriteOnlyStream, IHttpResponseBodyFeature
{
    private enum Mode
    {
        Undecided,
        Plain,
        Compressed,
    }

    private Mode _mode = Mode.Undecided;
    private byte[]? _held;
    private int _heldLength;
    private Stream? _compressor;
    private PipeWriter? _writer;
    private bool _finished;
    private Outlet? _outlet;

    Stream IHttpResponseBodyFeature.Stream => this;

    public PipeWriter Writer => _writer ??= PipeWriter.Create(this, new StreamPipeWriterOptions(leaveOpen: true));

    public void DisableBuffering()
    {
        if (_mode == Mode.Undecided && _heldLength == 0)
        {
            _mode = Mode.Plain;
        }

        inner.DisableBuffering();
    }

    /// <summary>
    /// JSON results start the answer before they write it. Then nothing is known of it yet, and starting can wait for the first bytes;
    /// where there are none to wait for, it starts at once.
    /// </summary>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_mode == Mode.Undecided && encoding != Encoding.Identity && ResponseCompressor.MayCompress(context))
        {
            return Task.CompletedTask;
        }

        _mode = _mode == Mode.Undecided ? Mode.Plain : _mode;
        return inner.StartAsync(cancellationToken);
    }

    public async Task CompleteAsync()
    {
        await FinishAsync();
        await inner.CompleteAsync();
    }

    public async Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
    {
        Decide(count ?? new FileInfo(path).Length - offset);
        if (_mode == Mode.Compressed)
        {
            await SendFileFallback.SendFileAsync(this, path, offset, count, cancellationToken);
            return;
        }

        await ReleaseAsync(cancellationToken);
        await inner.SendFileAsync(path, offset, count, cancellationToken);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_mode == Mode.Undecided && !Hold(buffer.Span))
        {
            Decide(Math.Max(_heldLength + buffer.Length, context.Response.ContentLength ?? 0));
        }
        else if (_mode == Mode.Undecided)
        {
            return;
        }

        await ReleaseAsync(cancellationToken);
        await Target.WriteAsync(buffer, cancellationToken);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_mode == Mode.Undecided)
        {
            if (_heldLength == 0)
            {
                // Nothing but headers to send; whether the body is worth compressing shows later, but Content-Encoding cannot.
                _mode = Mode.Plain;
            }
            else
            {
                Decide(context.Response.ContentLength ?? _heldLength);
            }
        }

        await ReleaseAsync(cancellationToken);
        if (_compressor is not null)
        {
            await _compressor.FlushAsync(cancellationToken);
        }

        await inner.Stream.FlushAsync(cancellationToken);
    }

    /// <summary>The end of the answer.</summary>
    public async Task FinishAsync()
    {
        if (_finished)
        {
            return;
        }

        _finished = true;
        if (_writer is not null)
        {
            await _writer.CompleteAsync();
        }

        if (_mode == Mode.Undecided)
        {
            Decide(_heldLength);
        }

        await ReleaseAsync(CancellationToken.None);
        if (_compressor is not null)
        {
            await _compressor.DisposeAsync();
            _compressor = null;
        }
    }

    private Stream Target => _compressor ?? inner.Stream;

    /// <summary>Keeps the bytes when they fit below the threshold.</summary>
    private bool Hold(ReadOnlySpan<byte> bytes)
    {
        if (encoding == Encoding.Identity || _heldLength + bytes.Length > Compressible.Threshold || context.Response.ContentLength > Compressible.Threshold)
        {
            return false;
        }

        _held ??= ArrayPool<byte>.Shared.Rent(Compressible.Threshold);
        bytes.CopyTo(_held.AsSpan(_heldLength));
        _heldLength += bytes.Length;
        return true;
    }

    private void Decide(long length)
    {
        if (_mode != Mode.Undecided)
        {
            return;
        }

        _mode = Mode.Plain;
        if (context.Response.HasStarted || !ResponseCompressor.MayCompress(context))
        {
            return;
        }

        ResponseCompressor.Vary(context);
        if (encoding == Encoding.Identity || length <= Compressible.Threshold)
        {
            return;
        }

        ResponseCompressor.Mark(context, encoding);
        _mode = Mode.Compressed;
        // The fastest level: most of the gain for a tenth of the time.
        _compressor = encoding == Encoding.Brotli
            ? new BrotliStream(_outlet = new Outlet(inner.Stream), CompressionLevel.Fastest, leaveOpen: true)
            : new GZipStream(_outlet = new Outlet(inner.Stream), CompressionLevel.Fastest, leaveOpen: true);
    }

    private async ValueTask ReleaseAsync(CancellationToken cancellationToken)
    {
        if (_held is { } held)
        {
            _held = null;
            await Target.WriteAsync(held.AsMemory(0, _heldLength), cancellationToken);
            ArrayPool<byte>.Shared.Return(held);
        }
    }

    /// <summary>After <see cref="FinishAsync"/> there is nothing left to do; after a fault what is left is dropped.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (!_finished)
        {
            _finished = true;
            _writer?.Complete(new OperationCanceledException());
        }

        if (_held is { } held)
        {
            _held = null;
            ArrayPool<byte>.Shared.Return(held);
        }

        if (_compressor is { } compressor)
        {
            // A compressor ends its data properly when it is disposed of. Half an answer must not look like a whole one.
            _compressor = null;
            _outlet!.Close();
            await compressor.DisposeAsync();
        }

        await base.DisposeAsync();
    }
}
