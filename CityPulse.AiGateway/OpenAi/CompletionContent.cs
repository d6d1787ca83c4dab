using System.Text.Json;
using System.Text.Json.Serialization;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>What a message says: nearly always one text, which is read as such; whatever else it is stays as it was written.</summary>
[JsonConverter(typeof(Converter))]
public readonly record struct CompletionContent(string? Text, JsonElement Other)
{
    public sealed class Converter : JsonConverter<CompletionContent>
    {
        public override CompletionContent Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String ? new(reader.GetString(), default) : new(null, JsonElement.ParseValue(ref reader));

        public override void Write(Utf8JsonWriter writer, CompletionContent value, JsonSerializerOptions options)
        {
            if (value.Text is { } text)
            {
                writer.WriteStringValue(text);
            }
            else
            {
                value.Other.WriteTo(writer);
            }
        }
    }
}
