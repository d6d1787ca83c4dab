using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CityPulse.ServiceDefaults.Json;

/// <summary>
/// JSON that is written and read at once, by one thread, which keeps the writer and its buffer for the next time. Whoever writes it sees to
/// it that it is JSON.
/// </summary>
public sealed class JsonDraft : IDisposable
{
    private const int Usual = 1024;
    private const int LargestKept = 64 * 1024;

    [ThreadStatic]
    private static JsonDraft? _keptForPages;

    [ThreadStatic]
    private static JsonDraft? _keptForReaders;

    private readonly bool _isForPages;
    private readonly ArrayBufferWriter<byte> _buffer = new(Usual);

    private JsonDraft(bool isForPages)
    {
        _isForPages = isForPages;
        Json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = isForPages ? null : JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
    }

    public Utf8JsonWriter Json { get; }

    /// <summary>What has been written; good until the thread begins its next draft.</summary>
    public ReadOnlySpan<byte> Written
    {
        get
        {
            Json.Flush();
            return _buffer.WrittenSpan;
        }
    }

    /// <summary>Escapes what could end a script or a tag, as answers do.</summary>
    public static JsonDraft ForPages() => Take(ref _keptForPages) ?? new JsonDraft(isForPages: true);

    /// <summary>Lets quotes and umlauts stand as they are, for what is read as JSON and nothing else.</summary>
    public static JsonDraft ForReaders() => Take(ref _keptForReaders) ?? new JsonDraft(isForPages: false);

    /// <summary>Bytes behind what has been written.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Json.Flush();
        _buffer.Write(bytes);
    }

    public void Dispose()
    {
        if (_buffer.Capacity > LargestKept)
        {
            return;
        }

        _buffer.ResetWrittenCount();
        Json.Reset();
        (_isForPages ? ref _keptForPages : ref _keptForReaders) = this;
    }

    /// <summary>Away until it is given back: what is written may write a draft of its own.</summary>
    private static JsonDraft? Take(ref JsonDraft? kept)
    {
        var taken = kept;
        kept = null;
        return taken;
    }
}
