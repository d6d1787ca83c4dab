using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using CityPulse.ServiceDefaults.Errors;

namespace CityPulse.Api.Http;

/// <summary>
/// JSON merge patch (RFC 7396): a member's value replaces, null removes, objects merge member by member, arrays are
/// replaced whole. Patches are checked against the type that they patch, so that no misspelt member passes silently,
/// not even one that is null.
/// </summary>
internal static class MergePatch
{
    /// <summary>The document that <paramref name="patch"/> makes of <paramref name="current"/>, read as <typeparamref name="T"/>.</summary>
    public static Parsed<T> Apply<T>(T current, JsonObject patch, JsonSerializerOptions options)
        where T : class =>
        Deserialize<T>(Merge(JsonSerializer.SerializeToNode(current, options), patch)!.AsObject(), options);

    public static Parsed<T> Deserialize<T>(JsonObject document, JsonSerializerOptions options)
        where T : class
    {
        try
        {
            return new(document.Deserialize<T>(options), null);
        }
        catch (JsonException e)
        {
            return new(null, Problems.Json(e, typeof(T), options));
        }
    }

    /// <summary>
    /// A copy of <paramref name="body"/> with every member spelt as <paramref name="type"/> declares it, or null and
    /// the members that it does not declare.
    /// </summary>
    public static JsonObject? Canonicalize(JsonObject body, Type type, JsonSerializerOptions options, out Dictionary<string, string[]> errors)
    {
        errors = [];
        var canonical = Canonicalize(body, options.GetTypeInfo(type), "", options, errors);
        return errors.Count == 0 ? canonical : null;
    }

    private static JsonObject Canonicalize(
        JsonObject body, JsonTypeInfo type, string path, JsonSerializerOptions options, Dictionary<string, string[]> errors)
    {
        var comparison = options.PropertyNameCaseInsensitive ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        var canonical = new JsonObject();
        foreach (var (name, value) in body)
        {
            var memberPath = path.Length == 0 ? name : $"{path}.{name}";
            var member = type.Properties.FirstOrDefault(p => p.Name.Equals(name, comparison));
            if (member is null)
            {
                errors[memberPath] = [$"There is no member {memberPath} that can be written."];
            }
            else if (canonical.ContainsKey(member.Name))
            {
                errors[memberPath] = [$"{memberPath} is there more than once."];
            }
            else
            {
                var memberType = options.GetTypeInfo(member.PropertyType);
                canonical[member.Name] = value is JsonObject child && memberType.Kind == JsonTypeInfoKind.Object
                    ? Canonicalize(child, memberType, memberPath, options, errors)
                    : value?.DeepClone();
            }
        }

        return canonical;
    }

    /// <summary>MergePatch of RFC 7396, section 2.</summary>
    internal static JsonNode? Merge(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject members)
        {
            return patch?.DeepClone();
        }

        var result = target is JsonObject existing ? existing.DeepClone().AsObject() : [];
        foreach (var (name, value) in members)
        {
            if (value is null)
            {
                result.Remove(name);
            }
            else
            {
                result[name] = Merge(result[name], value);
            }
        }

        return result;
    }
}
