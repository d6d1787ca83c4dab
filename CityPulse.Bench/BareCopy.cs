using System.Buffers.Binary;
using Npgsql;

namespace CityPulse.Bench;

/// <summary>
/// The limit to measure against: PostgreSQL's own bulk load of the same rows, in the same order and format, into a table
/// with the same columns, key and partitions. One COPY on one connection, from bytes made beforehand: there is nothing
/// of ours in it.
/// </summary>
internal sealed class BareCopy(NpgsqlConnection connection)
{
    public const string Table = "readings_bare";
    private static readonly DateTime Epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Makes the table, with partitions for the months of <c>readings</c>.</summary>
    public async Task CreateAsync(CancellationToken cancellationToken) => await ExecuteAsync($"""
        CREATE TABLE {Table} (LIKE readings INCLUDING DEFAULTS INCLUDING INDEXES) PARTITION BY RANGE (observed_at);
        DO $$ DECLARE part record; BEGIN
            FOR part IN SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds
                FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'readings'::regclass
            LOOP
                EXECUTE format('CREATE TABLE %I PARTITION OF {Table} %s', replace(part.relname, 'readings', '{Table}'), part.bounds);
            END LOOP;
        END $$
        """, cancellationToken);

    public static byte[] Encode(IReadOnlyList<Row> rows, IReadOnlyDictionary<int, int> keys)
    {
        const int header = 19;
        const int row = 40;
        var bytes = new byte[header + (rows.Count * row) + 2];
        "PGCOPY\n"u8.CopyTo(bytes);
        ReadOnlySpan<byte> rest = [0xFF, (byte)'\r', (byte)'\n', 0];
        rest.CopyTo(bytes.AsSpan(7));
        for (var i = 0; i < rows.Count; i++)
        {
            var at = bytes.AsSpan(header + (i * row), row);
            BinaryPrimitives.WriteInt16BigEndian(at, 4);
            BinaryPrimitives.WriteInt32BigEndian(at[2..], 4);
            BinaryPrimitives.WriteInt32BigEndian(at[6..], keys[rows[i].Sensor]);
            BinaryPrimitives.WriteInt32BigEndian(at[10..], 8);
            BinaryPrimitives.WriteInt64BigEndian(at[14..], (rows[i].At - Epoch).Ticks / TimeSpan.TicksPerMicrosecond);
            BinaryPrimitives.WriteInt32BigEndian(at[22..], 8);
            BinaryPrimitives.WriteDoubleBigEndian(at[26..], rows[i].Value);
            BinaryPrimitives.WriteInt32BigEndian(at[34..], 2);
        }

        BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(bytes.Length - 2), -1);
        return bytes;
    }

    public async Task RunAsync(byte[] bytes, CancellationToken cancellationToken)
    {
        await using var stream = await connection.BeginRawBinaryCopyAsync(
            $"COPY {Table} (sensor_key, observed_at, value, quality) FROM STDIN (FORMAT BINARY)", cancellationToken);
        await stream.WriteAsync(bytes, cancellationToken);
    }

    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>One reading of the benchmark's own city.</summary>
internal readonly record struct Row(int Sensor, DateTime At, double Value);
