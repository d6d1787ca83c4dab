using System.Buffers;
using System.IO.Compression;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>Carries a request's body to a parser in one small buffer, and stops where the contract's limits are.</summary>
internal static class BodyFeed
{
    private const int BufferSize = 2 * IngestLimits.MaxTokenBytes;

    /// <param name="isGzip">Limits count what the body unpacks to.</param>
    /// <returns>Why the body is refused, or null when the parser has all of it.</returns>
    public static async Task<BodyFault?> ReadAsync(
        Stream body, bool isGzip, ReadingParser parser, IngestGate.Permit permit, CancellationToken cancellationToken)
    {
        await using var unpacked = isGzip ? new GZipStream(body, CompressionMode.Decompress, leaveOpen: true) : null;
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            return await ReadAsync(unpacked ?? body, parser, permit, buffer, cancellationToken);
        }
        catch (InvalidDataException e) when (isGzip)
        {
            return new BodyFault(StatusCodes.Status400BadRequest, "$", $"The body is not gzip as its Content-Encoding says: {e.Message}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<BodyFault?> ReadAsync(
        Stream body, ReadingParser parser, IngestGate.Permit permit, byte[] buffer, CancellationToken cancellationToken)
    {
        var held = 0;
        var total = 0L;
        while (true)
        {
            var read = await body.ReadAsync(buffer.AsMemory(held, BufferSize - held), cancellationToken);
            total += read;
            if (total > IngestLimits.MaxBytes)
            {
                return TooLarge();
            }

            if (!permit.TryTake(read))
            {
                return Busy();
            }

            held += read;
            var taken = parser.Take(buffer.AsSpan(0, held), isFinal: read == 0);
            if (parser.Fault is not null || read == 0)
            {
                return parser.Fault;
            }

            buffer.AsSpan(taken, held - taken).CopyTo(buffer);
            held -= taken;
            if (held > IngestLimits.MaxTokenBytes)
            {
                return new BodyFault(
                    StatusCodes.Status400BadRequest, "$", $"A value or line is longer than {IngestLimits.MaxTokenBytes} bytes, which no reading is.");
            }
        }
    }

    public static BodyFault Busy() => new(
        StatusCodes.Status503ServiceUnavailable, "$", "Too many batches are being stored now; nothing is lost if you send this one again.");

    public static BodyFault TooLarge() => new(
        StatusCodes.Status413PayloadTooLarge, "$", $"A call may carry {IngestLimits.MaxBytes / (1024 * 1024)} MB, unpacked; send the rest in another.");
}
