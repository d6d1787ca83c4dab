using System.Text.Json;
using System.Text.Json.Serialization;

namespace CityPulse.ServiceDefaults.Json;

/// <summary>RFC 3339 times: any offset in, but there must be one; UTC with <c>Z</c> out.</summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && !reader.HasValueSequence && HasOffset(reader.ValueSpan)
            && reader.TryGetDateTimeOffset(out var time))
        {
            return time;
        }

        // Across two buffers: rare enough for a copy.
        if (reader.TokenType == JsonTokenType.String && reader.HasValueSequence)
        {
            var text = System.Text.Encoding.UTF8.GetBytes(reader.GetString()!);
            if (HasOffset(text) && reader.TryGetDateTimeOffset(out time))
            {
                return time;
            }
        }

        throw new JsonException("The value must be a time with offset, such as 2026-11-24T10:00:00Z.");
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime);

    private static bool HasOffset(ReadOnlySpan<byte> text) =>
        text is [.., (byte)'Z' or (byte)'z'] || (text.Length > 6 && text[^6] is (byte)'+' or (byte)'-' && text[^3] == (byte)':');
}
