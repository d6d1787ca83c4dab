using System.Buffers;
using System.Buffers.Binary;
using Npgsql;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// Sends readings as PostgreSQL's binary COPY format, straight from memory: every row has the same forty bytes of
/// shape, so writing one is four stores and no call into the driver.
/// </summary>
internal static class CopyWriter
{
    private const string Copy = "COPY readings (sensor_key, observed_at, value, quality) FROM STDIN (FORMAT BINARY)";
    private const int RowLength = 2 + (4 + 4) + (4 + 8) + (4 + 8) + (4 + 2);
    private const int RowsPerChunk = 1600;

    /// <summary>2000-01-01, from which the database counts, in microseconds since 1970-01-01.</summary>
    private const long DatabaseEpoch = 946_684_800L * Timestamp.MicrosecondsPerSecond;

    /// <summary>The format's signature, no flags, no extension.</summary>
    private static ReadOnlySpan<byte> Header =>
        [(byte)'P', (byte)'G', (byte)'C', (byte)'O', (byte)'P', (byte)'Y', (byte)'\n', 0xFF, (byte)'\r', (byte)'\n', 0, 0, 0, 0, 0, 0, 0, 0, 0];

    public static async Task WriteAsync(NpgsqlConnection connection, SortedReadings readings, CancellationToken cancellationToken)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(Header.Length + (RowsPerChunk * RowLength));
        try
        {
            await using var stream = await connection.BeginRawBinaryCopyAsync(Copy, cancellationToken);
            Header.CopyTo(chunk);
            var used = Header.Length;
            foreach (var run in readings.Runs)
            {
                for (var at = run.Start; at < run.Start + run.Count;)
                {
                    var rows = Math.Min((chunk.Length - used) / RowLength, run.Start + run.Count - at);
                    used += Fill(chunk.AsSpan(used), readings, run.Sensor.Key, at, rows);
                    at += rows;
                    if (chunk.Length - used < RowLength)
                    {
                        await stream.WriteAsync(chunk.AsMemory(0, used), cancellationToken);
                        used = 0;
                    }
                }
            }

            BinaryPrimitives.WriteInt16BigEndian(chunk.AsSpan(used), -1);
            await stream.WriteAsync(chunk.AsMemory(0, used + 2), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private static int Fill(Span<byte> target, SortedReadings readings, int sensorKey, int start, int rows)
    {
        var points = readings.Points.Slice(start, rows);
        var qualities = readings.Qualities.Slice(start, rows);
        for (var i = 0; i < points.Length; i++)
        {
            var row = target.Slice(i * RowLength, RowLength);
            BinaryPrimitives.WriteInt16BigEndian(row, 4);
            BinaryPrimitives.WriteInt32BigEndian(row[2..], 4);
            BinaryPrimitives.WriteInt32BigEndian(row[6..], sensorKey);
            BinaryPrimitives.WriteInt32BigEndian(row[10..], 8);
            BinaryPrimitives.WriteInt64BigEndian(row[14..], points[i].AtMicroseconds - DatabaseEpoch);
            BinaryPrimitives.WriteInt32BigEndian(row[22..], 8);
            BinaryPrimitives.WriteDoubleBigEndian(row[26..], points[i].Value);
            BinaryPrimitives.WriteInt32BigEndian(row[34..], 2);
            BinaryPrimitives.WriteInt16BigEndian(row[38..], qualities[i]);
        }

        return rows * RowLength;
    }
}
