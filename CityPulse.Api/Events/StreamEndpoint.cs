using System.Buffers.Binary;
using System.Globalization;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using Npgsql;

namespace CityPulse.Api.Events;

/// <summary>The outbox for those who missed something: <c>GET /internal/stream</c>, between the services only.</summary>
internal static class StreamEndpoint
{
    private const int DefaultLimit = 500;
    private const int MaxLimit = 5000;

    public static IEndpointRouteBuilder MapStream(this IEndpointRouteBuilder app)
    {
        app.MapInternal().MapGet("/stream", ReadAsync);
        return app;
    }

    /// <summary>
    /// Records after <paramref name="after"/>, each as its length (four bytes, little-endian) and its bytes. <c>X-Stream-Oldest</c>
    /// is the oldest place kept, one past <c>X-Stream-Last</c> when none is: whoever asks for what is after an older place
    /// than the one before it has missed something for good.
    /// </summary>
    private static async Task<IResult> ReadAsync(
        HttpContext http, NpgsqlDataSource source, long after, int? limit, Guid? organizationId, CancellationToken cancellationToken)
    {
        if (after < 0)
        {
            return Problems.Validation("after", "after must not be negative.");
        }

        if (limit is < 1 or > MaxLimit)
        {
            return Problems.Validation("limit", $"limit must be from 1 to {MaxLimit}.");
        }

        await using var connection = await source.OpenConnectionAsync(cancellationToken);

        // One snapshot, so that the bounds and the records belong together however much is pruned meanwhile.
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var (oldest, last) = await OutboxLog.ReadBoundsAsync(connection, cancellationToken);
        var response = http.Response;
        response.ContentType = "application/octet-stream";
        response.Headers["X-Stream-Oldest"] = oldest.ToString(CultureInfo.InvariantCulture);
        response.Headers["X-Stream-Last"] = last.ToString(CultureInfo.InvariantCulture);
        await foreach (var record in OutboxLog.ReadAsync(connection, after, limit ?? DefaultLimit, organizationId, cancellationToken))
        {
            var bytes = record.ToBytes();
            BinaryPrimitives.WriteInt32LittleEndian(response.BodyWriter.GetSpan(sizeof(int)), bytes.Length);
            response.BodyWriter.Advance(sizeof(int));
            await response.BodyWriter.WriteAsync(bytes, cancellationToken);
        }

        return Results.Empty;
    }
}
