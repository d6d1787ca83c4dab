using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace CityPulse.ServiceDefaults.Telemetry;

/// <summary>
/// The log of Production: one object of JSON a line, with the names that the framework's own formatter gives. That one writes all values
/// of a record a second time as text and no time at all; with a line for every request both are felt.
/// </summary>
internal sealed class JsonLines(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "json-lines";

    private const string Template = "{OriginalFormat}";
    private const int LargestKeptBuffer = 64 * 1024;

    // What is read is a log, not a page: quotes and umlauts may stand as they are.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _kept;

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var buffer = _kept ?? new ArrayBufferWriter<byte>(1024);
        _kept = null;
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("Timestamp"u8, time.GetUtcNow().UtcDateTime);
            json.WriteNumber("EventId"u8, logEntry.EventId.Id);
            json.WriteString("LogLevel"u8, NameOf(logEntry.LogLevel));
            json.WriteString("Category"u8, logEntry.Category);
            if (Activity.Current is { } activity)
            {
                json.WriteString("TraceId"u8, activity.TraceId.ToHexString());
                json.WriteString("SpanId"u8, activity.SpanId.ToHexString());
            }

            json.WriteString("Message"u8, logEntry.Formatter(logEntry.State, logEntry.Exception));
            if (logEntry.Exception is { } exception)
            {
                json.WriteString("Exception"u8, exception.ToString());
            }

            if (logEntry.State is IReadOnlyList<KeyValuePair<string, object?>> { Count: > 1 } values)
            {
                WriteState(json, values);
            }

            json.WriteEndObject();
        }

        Span<char> characters = stackalloc char[2048];
        var length = buffer.WrittenCount <= characters.Length ? Encoding.UTF8.GetChars(buffer.WrittenSpan, characters) : -1;
        if (length >= 0)
        {
            textWriter.Write(characters[..length]);
        }
        else
        {
            textWriter.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        }

        textWriter.Write(Environment.NewLine);
        if (buffer.Capacity <= LargestKeptBuffer)
        {
            buffer.ResetWrittenCount();
            _kept = buffer;
        }
    }

    private static void WriteState(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        json.WriteStartObject("State"u8);
        for (var i = 0; i < values.Count; i++)
        {
            var (name, value) = values[i];
            switch (value)
            {
                case null:
                    json.WriteNull(name);
                    break;
                case string text when name != Template:
                    json.WriteString(name, text);
                    break;
                case string:
                    break;
                case bool flag:
                    json.WriteBoolean(name, flag);
                    break;
                case int number:
                    json.WriteNumber(name, number);
                    break;
                case long number:
                    json.WriteNumber(name, number);
                    break;
                case double number when double.IsFinite(number):
                    json.WriteNumber(name, number);
                    break;
                default:
                    json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture));
                    break;
            }
        }

        json.WriteEndObject();
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => nameof(LogLevel.Trace),
        LogLevel.Debug => nameof(LogLevel.Debug),
        LogLevel.Information => nameof(LogLevel.Information),
        LogLevel.Warning => nameof(LogLevel.Warning),
        LogLevel.Error => nameof(LogLevel.Error),
        _ => nameof(LogLevel.Critical),
    };
}
