using System.Text.Json;
using System.Text.Json.Serialization;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;

namespace CityPulse.ServiceDefaults.Json;

/// <summary>The frontends by the names that their header uses.</summary>
internal sealed class FrontendConverter : JsonConverter<Frontend>
{
    public override Frontend Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && FrontendNames.TryParse(reader.GetString(), out var frontend)
            ? frontend
            : throw new JsonException("The frontend must be one of citypulse, flowmind, quantum, velocity.");

    public override void Write(Utf8JsonWriter writer, Frontend value, JsonSerializerOptions options) =>
        writer.WriteStringValue(FrontendNames.Of(value));
}
