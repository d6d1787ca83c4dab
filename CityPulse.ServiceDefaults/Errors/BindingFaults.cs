using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>
/// Parameters that do not bind. The framework tells it in sentences only, such as
/// <c>Failed to bind parameter "Nullable&lt;int&gt; limit" from "abc".</c>
/// </summary>
internal static class BindingFaults
{
    public static Dictionary<string, string[]>? Describe(BadHttpRequestException exception)
    {
        var message = exception.Message;
        if (message.StartsWith("Failed to bind parameter ", StringComparison.Ordinal) && ParameterName(message) is { } wrong)
        {
            return new() { [wrong] = ["The value cannot be read."] };
        }

        if (message.StartsWith("Required parameter ", StringComparison.Ordinal) && ParameterName(message) is { } missing)
        {
            return message.EndsWith("from body.", StringComparison.Ordinal)
                ? new() { [JsonPaths.Root] = ["A body is required."] }
                : new() { [missing] = ["The parameter is required."] };
        }

        return message.StartsWith("Implicit body inferred", StringComparison.Ordinal)
            ? new() { [JsonPaths.Root] = ["A body is required."] }
            : null;
    }

    /// <summary>The last word of the first quoted part, which is type and name.</summary>
    private static string? ParameterName(string message)
    {
        var parts = message.Split('"', 3);
        if (parts.Length != 3)
        {
            return null;
        }

        // Of a record that gathers parameters the framework tells the C# name of the member.
        var name = parts[1][(parts[1].LastIndexOf(' ') + 1)..];
        return name.Contains('-') ? name : JsonNamingPolicy.CamelCase.ConvertName(name);
    }
}
