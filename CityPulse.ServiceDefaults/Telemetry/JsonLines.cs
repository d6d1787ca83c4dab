using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using CityPulse.ServiceDefaults.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CityPulse.ServiceDefaults.Telemetry;

/// <summary>
/// The log of Production: one object of JSON a line, with the names that the framework's own formatter gives. That one writes all values
/// of a record a second time as text and no time at all; with a line for every request both are felt.
/// </summary>
internal static class JsonLines
{
    private const string Template = "{OriginalFormat}";

    /// <returns>The line with its end, until the thread writes the next one.</returns>
    public static ReadOnlySpan<byte> Write<TState>(DateTimeOffset now, in LogEntry<TState> entry)
    {
        using var draft = JsonDraft.ForReaders();
        var json = draft.Json;
        json.WriteStartObject();
        json.WriteString("Timestamp"u8, now.UtcDateTime);
        json.WriteNumber("EventId"u8, entry.EventId.Id);
        json.WriteString("LogLevel"u8, NameOf(entry.LogLevel));
        json.WriteString("Category"u8, entry.Category);
        if (Activity.Current is { } activity)
        {
            json.WriteString("TraceId"u8, activity.TraceId.ToHexString());
            json.WriteString("SpanId"u8, activity.SpanId.ToHexString());
        }

        json.WriteString("Message"u8, entry.Formatter(entry.State, entry.Exception));
        if (entry.Exception is { } exception)
        {
            json.WriteString("Exception"u8, exception.ToString());
        }

        if (entry.State is IReadOnlyList<KeyValuePair<string, object?>> { Count: > 1 } values)
        {
            WriteState(json, values);
        }

        json.WriteEndObject();
        draft.Append("\n"u8);
        return draft.Written;
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
