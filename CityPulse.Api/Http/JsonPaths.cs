using System.Text.Json;

namespace CityPulse.Api.Http;

/// <summary>How errors name a place in a body: <c>address.city</c>, <c>tags[2]</c>; <c>$</c> is the body as a whole.</summary>
internal static class JsonPaths
{
    public const string Root = "$";

    public static string Of(JsonException exception) => exception.Path switch
    {
        null or "" or Root => Root,
        ['$', '.', .. var path] => path,
        var path => path,
    };

    public static string Member(string parent, string name) => parent is "" or Root ? name : $"{parent}.{name}";

    /// <summary>What is wrong, without the names of our types.</summary>
    public static string Explain(JsonException exception) => exception.Path is null or ""
        ? "The body is not valid JSON" + (exception.LineNumber is { } line ? $" (line {line + 1}, byte {exception.BytePositionInLine + 1})." : ".")
        : $"The value of {Of(exception)} has the wrong type.";
}
