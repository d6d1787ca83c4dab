using System.Buffers.Binary;
using System.Globalization;
using CityPulse.Contracts;

namespace CityPulse.Realtime.Feed;

/// <summary>A page of the outbox.</summary>
/// <param name="Oldest">Oldest position kept; 0 when nothing is.</param>
/// <param name="Newest">Newest position assigned.</param>
internal sealed record StreamPage(long Oldest, long Newest, IReadOnlyList<StreamRecord> Records);

/// <summary>The outbox of Api, which keeps the last 15 minutes whatever becomes of Redis.</summary>
internal sealed class StreamHistory(HttpClient http)
{
    /// <summary>Longest page asked for. A record can be a batch of 100,000 readings, about a megabyte.</summary>
    public const int PageSize = 200;

    /// <summary>Where the stream is now.</summary>
    public Task<StreamPage> TailAsync(CancellationToken cancel) => ReadAsync(long.MaxValue, organizationId: null, cancel, limit: 1);

    /// <summary>Records after a position, in order, of one organisation or of all.</summary>
    /// <exception cref="HttpRequestException">Api does not answer as it should.</exception>
    /// <exception cref="InvalidDataException">What it answers is no page of the stream.</exception>
    public async Task<StreamPage> ReadAsync(long after, Guid? organizationId, CancellationToken cancel, int limit = PageSize)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"/internal/stream?after={after}&limit={limit}");
        if (organizationId is { } organization)
        {
            address += $"&organizationId={organization:D}";
        }

        using var response = await http.GetAsync(address, cancel);
        response.EnsureSuccessStatusCode();
        var body = await response.Content.ReadAsByteArrayAsync(cancel);
        return new StreamPage(Position(response, "X-Stream-Oldest"), Position(response, "X-Stream-Last"), Split(body));
    }

    /// <summary>A page's body: for each record its length (32 bits, little endian) and its bytes.</summary>
    private static List<StreamRecord> Split(ReadOnlyMemory<byte> body)
    {
        var records = new List<StreamRecord>();
        while (!body.IsEmpty)
        {
            if (body.Length < sizeof(int)
                || BinaryPrimitives.ReadInt32LittleEndian(body.Span) is var length && (length < 0 || length > body.Length - sizeof(int)))
            {
                throw new InvalidDataException("A page of the stream ends inside a record.");
            }

            records.Add(StreamRecord.FromBytes(body.Slice(sizeof(int), length)));
            body = body[(sizeof(int) + length)..];
        }

        return records;
    }

    private static long Position(HttpResponseMessage response, string header) =>
        response.Headers.TryGetValues(header, out var values)
        && long.TryParse(values.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            ? position
            : throw new InvalidDataException($"The stream's answer has no {header}.");
}
