using System.Text.Json;

namespace CityPulse.ServiceDefaults.Errors;

/// <summary>Paths into a request's JSON as a client writes them: <c>address.city</c>, <c>readings[3].value</c>; <c>$</c> is the whole body.</summary>
internal static class JsonPaths
{
    public const string Root = "$";

    /// <summary>From the serializer's form, <c>$.address.city</c>.</summary>
    public static string FromSerializer(string? path) => path switch
    {
        null or "" or "$" => Root,
        ['$', '.', .. var rest] => rest,
        ['$', .. var rest] => rest,
        _ => path,
    };

    public static string Child(string parent, string member) => parent == Root ? member : $"{parent}.{member}";

    /// <summary>Validation by attributes names C# members; the client knows only its own.</summary>
    public static IDictionary<string, string[]> Normalize(IDictionary<string, string[]> errors)
    {
        var normal = true;
        foreach (var path in errors.Keys)
        {
            normal &= !HasMemberInPascalCase(path);
        }

        return normal ? errors : errors
            .GroupBy(e => string.Join('.', e.Key.Split('.').Select(JsonNamingPolicy.CamelCase.ConvertName)), e => e.Value)
            .ToDictionary(g => g.Key, g => g.SelectMany(messages => messages).ToArray());
    }

    private static bool HasMemberInPascalCase(string path)
    {
        // Header names keep their case: they hold a hyphen, members never do.
        if (path.Contains('-'))
        {
            return false;
        }

        for (var i = 0; i < path.Length; i++)
        {
            if (char.IsUpper(path[i]) && (i == 0 || path[i - 1] == '.'))
            {
                return true;
            }
        }

        return false;
    }
}
