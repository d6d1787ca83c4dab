using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>What should have stood at a place of a JSON body, said in the client's words.</summary>
internal static class JsonExpectations
{
    private const string Unknown = "The value has the wrong type.";

    public static string At(string path, Type? root, JsonSerializerOptions options)
    {
        var type = root;
        foreach (var step in path == JsonPaths.Root ? [] : path.Replace("[", ".[", StringComparison.Ordinal).Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            if (type is null || !options.TryGetTypeInfo(Nullable.GetUnderlyingType(type) ?? type, out var info))
            {
                return Unknown;
            }

            type = step[0] == '[' || info.Kind == JsonTypeInfoKind.Dictionary
                ? info.ElementType
                : info.Properties.FirstOrDefault(p => p.Name == step)?.PropertyType;
        }

        return type is null ? Unknown : Of(Nullable.GetUnderlyingType(type) ?? type, options);
    }

    private static string Of(Type type, JsonSerializerOptions options)
    {
        if (type.IsEnum)
        {
            var words = Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.Serialize(value, type, options).Trim('"'));
            return $"The value must be one of {string.Join(", ", words)}.";
        }

        return Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => "The value must be true or false.",
            TypeCode.String => "The value must be a string.",
            TypeCode.Double or TypeCode.Single or TypeCode.Decimal => "The value must be a number, without quotes.",
            >= TypeCode.SByte and <= TypeCode.UInt64 => "The value must be a whole number in range, without quotes.",
            _ when type == typeof(Guid) => "The value must be a UUID.",
            _ when type == typeof(DateTimeOffset) || type == typeof(DateTime) => "The value must be a time with offset, such as 2026-11-24T10:00:00Z.",
            _ when type == typeof(DateOnly) => "The value must be a date, such as 2026-11-24.",
            _ when type == typeof(TimeOnly) => "The value must be a time of day, such as 17:30.",
            _ => options.TryGetTypeInfo(type, out var info) ? info.Kind switch
            {
                JsonTypeInfoKind.Enumerable => "The value must be a list.",
                JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => "The value must be an object.",
                _ => Unknown,
            } : Unknown,
        };
    }
}
