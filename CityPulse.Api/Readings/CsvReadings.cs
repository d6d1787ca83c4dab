using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.IO.Pipelines;
using CityPulse.Api.Readings.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Contracts;
using Microsoft.Net.Http.Headers;

namespace CityPulse.Api.Readings;

/// <summary>A sensor's whole period as CSV, written while it is read: it takes no more memory for a year than for a day.</summary>
internal sealed class CsvReadings(
    ReadingReader reader, int sensorKey, Span span, BucketClock? clock, bool descending) : IResult, IStatusCodeHttpResult
{
    private const int FlushAt = 32 * 1024;

    public int? StatusCode => StatusCodes.Status200OK;

    /// <summary>Whether the caller asks for CSV rather than JSON.</summary>
    public static bool IsAsked(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted))
        {
            return false;
        }

        return Quality("text/csv") > Quality("application/json");

        double Quality(string type) => accepted
            .Where(a => a.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase)).Select(a => a.Quality ?? 1).DefaultIfEmpty(0).Max();
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var cancellationToken = httpContext.RequestAborted;
        httpContext.Response.ContentType = "text/csv; charset=utf-8";
        httpContext.Response.Headers.CacheControl = "private, no-cache";
        var output = httpContext.Response.BodyWriter;
        if (clock is null)
        {
            output.Write("at,value\r\n"u8);
            await foreach (var point in reader.ReadAsync(sensorKey, span, descending, null, cancellationToken))
            {
                WriteRow(output, point);
                await FlushIfFullAsync(output, cancellationToken);
            }
        }
        else
        {
            output.Write("at,avg,min,max,sum,count,last\r\n"u8);
            await foreach (var bucket in reader.ReadBucketsAsync(sensorKey, span, clock, descending, cancellationToken))
            {
                WriteRow(output, ReadingItems.Of(bucket), bucket.Start);
                await FlushIfFullAsync(output, cancellationToken);
            }
        }

        await output.FlushAsync(cancellationToken);
    }

    private static async ValueTask FlushIfFullAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        if (output.UnflushedBytes > FlushAt)
        {
            await output.FlushAsync(cancellationToken);
        }
    }

    private static void WriteRow(PipeWriter output, ReadingBatch.Point point)
    {
        var row = new Row(output.GetSpan(128));
        row.Time(point.AtMicroseconds);
        row.Number(point.Value);
        output.Advance(row.End());
    }

    private static void WriteRow(PipeWriter output, BucketItem bucket, long start)
    {
        var row = new Row(output.GetSpan(256));
        row.Time(start);
        row.Number(bucket.Avg);
        row.Number(bucket.Min);
        row.Number(bucket.Max);
        row.Number(bucket.Sum);
        row.Number(bucket.Count);
        row.Number(bucket.Last);
        output.Advance(row.End());
    }

    /// <summary>One line, with the same texts of numbers and times as the JSON has.</summary>
    private ref struct Row(Span<byte> line)
    {
        private readonly Span<byte> _line = line;
        private int _used;

        public void Time(long microseconds)
        {
            // 2026-01-31T12:00:00.1234567Z: the fraction's noughts at the end are left out, and an empty fraction's point.
            const int whole = 19;
            const int fraction = 8;
            Utf8Formatter.TryFormat(Timestamp.ToDateTime(microseconds), _line, out _, new StandardFormat('O'));
            var kept = _line.Slice(whole, fraction).TrimEnd((byte)'0').Length;
            _used = kept == 1 ? whole : whole + kept;
            _line[_used++] = (byte)'Z';
        }

        public void Number(double? number)
        {
            _line[_used++] = (byte)',';
            if (number is { } value)
            {
                value.TryFormat(_line[_used..], out var written, default, CultureInfo.InvariantCulture);
                _used += written;
            }
        }

        public int End()
        {
            "\r\n"u8.CopyTo(_line[_used..]);
            return _used + 2;
        }
    }
}
