using System.Text;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>Why a whole body is refused; nothing of it is stored.</summary>
/// <param name="Path">The JSON path, or the line, that the refusal is about.</param>
internal sealed record BodyFault(int Status, string Path, string Message);

/// <summary>
/// Reads rows from a body that arrives in pieces. Pieces may end anywhere; what is not complete yet is not taken and
/// comes again with more behind it.
/// </summary>
internal abstract class ReadingParser(IngestBatch batch)
{
    private long _line = 1;
    private long _byteInLine;
    private bool _hasBegun;

    /// <summary>Set when the body is refused; the parser takes nothing more then.</summary>
    public BodyFault? Fault { get; private set; }

    protected IngestBatch Batch { get; } = batch;

    /// <summary>The line at which the current piece begins, counted from 1.</summary>
    protected long Line => _line;

    /// <summary>Takes what is complete of <paramref name="data"/>.</summary>
    /// <param name="isFinal">Nothing comes after this piece.</param>
    /// <returns>How many bytes were taken.</returns>
    public int Take(ReadOnlySpan<byte> data, bool isFinal)
    {
        // Spreadsheets put a byte order mark before their text.
        var mark = "\uFEFF"u8;
        if (!_hasBegun && !isFinal && data.Length < mark.Length && mark.StartsWith(data))
        {
            return 0;
        }

        var skipped = !_hasBegun && data.StartsWith(mark) ? mark.Length : 0;
        _hasBegun = true;
        data = data[skipped..];
        var taken = Fault is null ? Parse(data, isFinal) : 0;
        (_line, _byteInLine) = Locate(data[..taken]);
        return skipped + taken;
    }

    protected abstract int Parse(ReadOnlySpan<byte> data, bool isFinal);

    /// <summary>Refuses the body with the place of the fault, counted as editors do, from 1.</summary>
    protected void Refuse(ReadOnlySpan<byte> data, int at, string path, string message)
    {
        var (line, byteInLine) = Locate(data[..Math.Min(at, data.Length)]);
        Fault = new BodyFault(StatusCodes.Status400BadRequest, path, $"Line {line}, byte {byteInLine + 1}: {message}");
    }

    /// <summary>True, and the body refused, when there is no room for one more row.</summary>
    protected bool RefuseIfFull()
    {
        if (Batch.IsFull)
        {
            Fault = new BodyFault(
                StatusCodes.Status413PayloadTooLarge, "$", $"A call may carry {IngestLimits.MaxRows} readings; send the rest in another.");
        }

        return Fault is not null;
    }

    /// <summary>The beginning of a text that was sent, to be told back.</summary>
    internal static string Quote(ReadOnlySpan<byte> text)
    {
        const int limit = 64;
        return text.Length <= limit ? $"'{Encoding.UTF8.GetString(text)}'" : $"'{Encoding.UTF8.GetString(text[..limit])}…'";
    }

    private (long Line, long ByteInLine) Locate(ReadOnlySpan<byte> before)
    {
        var lastBreak = before.LastIndexOf((byte)'\n');
        return lastBreak < 0
            ? (_line, _byteInLine + before.Length)
            : (_line + before.Count((byte)'\n'), before.Length - lastBreak - 1);
    }
}
