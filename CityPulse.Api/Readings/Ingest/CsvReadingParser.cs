using System.Buffers;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// RFC 4180 with a header: <c>sensor</c>, <c>at</c>, <c>value</c> and, if wanted, <c>quality</c>, in any order.
/// A line with another number of fields is refused with the whole body: something is wrong with the file then.
/// </summary>
internal sealed class CsvReadingParser(IngestBatch batch) : ReadingParser(batch)
{
    private const int MaxColumns = 4;
    private readonly Column[] _columns = new Column[MaxColumns];
    private int _columnCount;
    private int _previousName = -1;

    private enum Column : byte
    {
        Sensor,
        At,
        Value,
        Quality,
    }

    protected override int Parse(ReadOnlySpan<byte> data, bool isFinal)
    {
        var taken = 0;
        Span<Range> fields = stackalloc Range[MaxColumns];
        while (Fault is null && taken < data.Length)
        {
            var length = RecordLength(data[taken..], out var isOpen);
            if (length < 0 && !isFinal)
            {
                break;
            }

            if (length < 0 && isOpen)
            {
                Refuse(data, taken, LinePath(data, taken), "A quoted field does not end.");
                break;
            }

            var end = length < 0 ? data.Length : taken + length;
            TakeRecord(data, taken, end, fields);
            taken = Math.Min(end + 1, data.Length);
        }

        if (Fault is null && isFinal && _columnCount == 0)
        {
            Refuse(data, data.Length, "$", "The header is missing: sensor,at,value or sensor,at,value,quality.");
        }

        return taken;
    }

    private void TakeRecord(ReadOnlySpan<byte> data, int start, int end, Span<Range> fields)
    {
        var record = data[start..end];
        if (record.EndsWith("\r"u8))
        {
            record = record[..^1];
        }

        if (record.IsEmpty)
        {
            return;
        }

        var count = Split(record, fields);
        if (count < 0)
        {
            Refuse(data, start, LinePath(data, start), "Quotes must enclose a whole field, and be doubled inside it.");
        }
        else if (_columnCount == 0)
        {
            TakeHeader(data, start, record, fields, count);
        }
        else if (count != _columnCount)
        {
            Refuse(data, start, LinePath(data, start), $"The line has {(count > MaxColumns ? "more" : count)} fields, the header {_columnCount}.");
        }
        else if (!RefuseIfFull())
        {
            TakeRow(record, fields[..count]);
        }
    }

    private void TakeHeader(ReadOnlySpan<byte> data, int start, ReadOnlySpan<byte> record, Span<Range> fields, int count)
    {
        var seen = 0;
        for (var i = 0; i < Math.Min(count, MaxColumns); i++)
        {
            var name = Unquote(record[fields[i]], []).Trim((byte)' ');
            Column? column = name switch
            {
                _ when name.SequenceEqual("sensor"u8) => Column.Sensor,
                _ when name.SequenceEqual("at"u8) => Column.At,
                _ when name.SequenceEqual("value"u8) => Column.Value,
                _ when name.SequenceEqual("quality"u8) => Column.Quality,
                _ => null,
            };
            if (column is null || (seen & (1 << (int)column)) != 0)
            {
                Refuse(data, start, "line 1", $"The header's {Quote(name)} is {(column is null ? "none of sensor, at, value, quality" : "there twice")}.");
                return;
            }

            seen |= 1 << (int)column;
            _columns[i] = column.Value;
        }

        if (count > MaxColumns || (seen & 0b111) != 0b111)
        {
            Refuse(data, start, "line 1", "The header must name sensor, at and value, and may name quality.");
            return;
        }

        _columnCount = count;
    }

    private void TakeRow(ReadOnlySpan<byte> record, ReadOnlySpan<Range> fields)
    {
        var row = default(IngestRow);
        string? detail = null;
        byte[]? scratch = null;
        for (var i = 0; i < fields.Length; i++)
        {
            var field = record[fields[i]];
            if (field.Length > 0 && field[0] == '"')
            {
                scratch ??= ArrayPool<byte>.Shared.Rent(record.Length);
                field = Unquote(field, scratch);
            }

            var (fault, why) = TakeField(_columns[i], field, ref row);
            if (fault != RowFault.None && row.Fault == RowFault.None)
            {
                (row.Fault, detail) = (fault, why);
            }
        }

        if (scratch is not null)
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }

        Batch.Add(row, detail);
    }

    private (RowFault Fault, string? Detail) TakeField(Column column, ReadOnlySpan<byte> field, ref IngestRow row)
    {
        if (column == Column.Sensor)
        {
            row.Name = _previousName = Batch.Names.Add(field, _previousName);
            return default;
        }

        field = field.Trim((byte)' ');
        switch (column)
        {
            case Column.At:
                var fault = Fields.ReadTime(field, out row.AtMicroseconds, out var withoutOffset);
                return fault == RowFault.None ? default
                    : (fault, Batch.WantsDetail ? Fields.TimeDetail(Quote(field), withoutOffset) : null);
            case Column.Value when Fields.IsNotFinite(field):
                return (RowFault.NotFinite, null);
            case Column.Value:
                return Fields.TryReadNumber(field, out row.Value) ? default
                    : (RowFault.InvalidValue, Batch.WantsDetail ? $"{Quote(field)} is no number." : null);
            default:
                return field.IsEmpty || Fields.TryReadQuality(field, out row.Quality) ? default
                    : (RowFault.InvalidQuality, Batch.WantsDetail ? Fields.QualityDetail(Quote(field)) : null);
        }
    }

    /// <summary>Length of the first record without its line break; less than 0 when its end is not in sight.</summary>
    private static int RecordLength(ReadOnlySpan<byte> data, out bool isOpen)
    {
        isOpen = false;
        var end = data.IndexOf((byte)'\n');
        var line = end < 0 ? data : data[..end];
        if (!line.Contains((byte)'"'))
        {
            return end;
        }

        // A line break inside quotes ends no record.
        for (var i = 0; i < data.Length; i++)
        {
            if (data[i] == '"')
            {
                isOpen = !isOpen;
            }
            else if (data[i] == '\n' && !isOpen)
            {
                return i;
            }
        }

        return -1;
    }

    /// <returns>The number of fields (only as many as fit are noted), or -1 when quotes stand where they may not.</returns>
    private static int Split(ReadOnlySpan<byte> record, Span<Range> fields)
    {
        var count = 0;
        for (var start = 0; ;)
        {
            var end = FieldEnd(record, start);
            if (end < 0)
            {
                return -1;
            }

            if (count < fields.Length)
            {
                fields[count] = start..end;
            }

            count++;
            if (end == record.Length)
            {
                return count;
            }

            start = end + 1;
        }
    }

    private static int FieldEnd(ReadOnlySpan<byte> record, int start)
    {
        var rest = record[start..];
        if (rest.IsEmpty || rest[0] != '"')
        {
            var comma = rest.IndexOf((byte)',');
            var end = comma < 0 ? rest.Length : comma;
            return rest[..end].Contains((byte)'"') ? -1 : start + end;
        }

        for (var i = 1; i < rest.Length; i++)
        {
            if (rest[i] != '"')
            {
                continue;
            }

            if (i + 1 < rest.Length && rest[i + 1] == '"')
            {
                i++;
                continue;
            }

            return i + 1 == rest.Length || rest[i + 1] == ',' ? start + i + 1 : -1;
        }

        return -1;
    }

    /// <summary>A field's text; doubled quotes are halved in <paramref name="scratch"/>.</summary>
    private static ReadOnlySpan<byte> Unquote(ReadOnlySpan<byte> field, Span<byte> scratch)
    {
        if (field.Length < 2 || field[0] != '"')
        {
            return field;
        }

        field = field[1..^1];
        if (scratch.IsEmpty || !field.Contains((byte)'"'))
        {
            return field;
        }

        var length = 0;
        for (var i = 0; i < field.Length; i++)
        {
            scratch[length++] = field[i];
            i += field[i] == '"' ? 1 : 0;
        }

        return scratch[..length];
    }

    private string LinePath(ReadOnlySpan<byte> data, int at) => $"line {Line + data[..at].Count((byte)'\n')}";
}
