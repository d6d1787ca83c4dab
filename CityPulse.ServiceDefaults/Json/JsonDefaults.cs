using System.Text.Json;
using System.Text.Json.Serialization;
using CityPulse.Contracts;

namespace CityPulse.ServiceDefaults.Json;

/// <summary>
/// The one JSON of all services: camelCase, what is unknown, doubled or null where it must not be is refused, numbers are never in
/// quotes, times carry an offset and leave as UTC with Z, enums are words in snake_case.
/// </summary>
public static class JsonDefaults
{
    /// <summary>For JSON that does not go through the HTTP pipeline, such as events.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowDuplicateProperties = false;
        options.RespectNullableAnnotations = true;
        options.Converters.Add(new UtcTimeConverter());
        options.Converters.Add(new JsonStringEnumConverter<Role>(namingPolicy: null, allowIntegerValues: false));
        options.Converters.Add(new FrontendConverter());
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false));
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Apply(options);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
