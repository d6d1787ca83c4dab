using System.Text.Json;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>Says where a JSON body is wrong and in which way, in the client's words rather than in .NET's.</summary>
internal static class JsonFaults
{
    private const StringComparison Exactly = StringComparison.Ordinal;

    /// <param name="exception">What the serializer said.</param>
    /// <param name="root">The type that was read, when it is known: from it follows what was expected at the place.</param>
    /// <param name="options">What it was read with.</param>
    public static Dictionary<string, string[]> Describe(JsonException exception, Type? root, JsonSerializerOptions options)
    {
        var path = JsonPaths.FromSerializer(exception.Path);
        var message = exception.Message;

        // "The JSON property 'x' could not be mapped to any .NET member contained in type 'T'."
        if (message.Contains("could not be mapped to any .NET member", Exactly))
        {
            return One(path, "There is no such member.");
        }

        // "Duplicate property 'x' encountered during deserialization of type 'T'."
        if (message.StartsWith("Duplicate property", Exactly))
        {
            return One(path, "The member is given twice.");
        }

        // "JSON deserialization for type 'T' was missing required properties including: 'a', 'b'."
        if (message.IndexOf("missing required properties", Exactly) is >= 0 and var at)
        {
            return message[at..].Split('\'').Where((_, i) => i % 2 == 1)
                .ToDictionary(name => JsonPaths.Child(path, name), _ => new[] { "The member is required." });
        }

        // "The JSON value could not be converted to T."
        if (message.Contains("could not be converted to ", Exactly))
        {
            return One(path, JsonExpectations.At(path, root, options));
        }

        // "The constructor parameter 'X' on type 'T' doesn't allow null values." and the like for properties.
        if (message.Contains("allow null values", Exactly) || message.Contains("allow setting null values", Exactly))
        {
            return One(path, "The value must not be null.");
        }

        // The reader's own exceptions are of a derived, internal type: the text is no JSON at all.
        if (exception.GetType() != typeof(JsonException) || exception.InnerException is JsonException)
        {
            return One(JsonPaths.Root, $"The text is not valid JSON at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.");
        }

        // A converter of ours, which says itself what it expects.
        return One(path, message.IndexOf(" Path:", Exactly) is > 0 and var cut ? message[..cut] : message);
    }

    private static Dictionary<string, string[]> One(string path, string message) => new() { [path] = [message] };
}
