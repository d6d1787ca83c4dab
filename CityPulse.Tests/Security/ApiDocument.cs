using System.Text.Json.Nodes;

namespace CityPulse.Tests.Security;

/// <summary>A parameter of an operation, as the served document describes it.</summary>
internal sealed record ApiParameter(string Name, string In, bool IsRequired, JsonObject Schema)
{
    public bool IsId => Schema["format"]?.GetValue<string>() == "uuid";
}

/// <summary>One operation of the served document.</summary>
internal sealed record ApiOperation(string Method, string Path, IReadOnlyList<ApiParameter> Parameters, IReadOnlyList<string> MediaTypes, JsonObject? Body)
{
    public string Name => $"{Method} {Path}";

    public IEnumerable<ApiParameter> InQuery => Parameters.Where(p => p.In == "query");

    /// <summary>The path with the city's own ids in it.</summary>
    public string PathWith(MadeUpCity city) => Parameters.Where(p => p is { In: "path", IsId: true })
        .Aggregate(Path, (path, p) => path.Replace($"{{{p.Name}}}", $"{city.Id(MadeUpCity.KindOfPath(Path, p.Name))}", StringComparison.Ordinal));
}

/// <summary>What the service says of itself at <c>/openapi/v1.json</c>: new endpoints are in it without anybody's doing.</summary>
internal sealed class ApiDocument
{
    private static readonly string[] Methods = ["get", "put", "post", "delete", "patch"];
    private readonly JsonObject _root;

    private ApiDocument(JsonObject root)
    {
        _root = root;
        Operations = [.. from path in root["paths"]!.AsObject()
            from operation in path.Value!.AsObject()
            where Methods.Contains(operation.Key)
            select Read(path.Key, operation.Key, operation.Value!.AsObject())];
    }

    public IReadOnlyList<ApiOperation> Operations { get; }

    public static async Task<ApiDocument> ReadAsync(HttpClient client) =>
        new(JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json"))!.AsObject());

    /// <summary>The schema itself, where another one is only referred to or is one of several choices.</summary>
    public JsonObject Resolve(JsonObject schema)
    {
        if (schema["$ref"]?.GetValue<string>() is { } reference)
        {
            return Resolve(_root["components"]!["schemas"]![reference.Split('/')[^1]]!.AsObject());
        }

        var choices = (schema["oneOf"] ?? schema["anyOf"] ?? schema["allOf"])?.AsArray();
        return choices?.Select(c => c!.AsObject()).FirstOrDefault(c => c["type"]?.ToString() != "null") is { } choice ? Resolve(choice) : schema;
    }

    /// <summary>Where a schema has ids: paths of member names, with <c>[]</c> for the elements of a list.</summary>
    public IEnumerable<string> IdsIn(JsonObject schema, string path = "", int depth = 0)
    {
        schema = Resolve(schema);
        if (schema["format"]?.GetValue<string>() == "uuid")
        {
            return [path];
        }

        if (depth > 6)
        {
            return [];
        }

        var ids = schema["items"] is JsonObject items ? IdsIn(items, $"{path}[]", depth + 1) : [];
        return ids.Concat((schema["properties"]?.AsObject() ?? []).SelectMany(p => IdsIn(p.Value!.AsObject(), path.Length == 0 ? p.Key : $"{path}.{p.Key}", depth + 1)));
    }

    private ApiOperation Read(string path, string method, JsonObject operation)
    {
        var content = operation["requestBody"]?["content"]?.AsObject();
        return new ApiOperation(
            method.ToUpperInvariant(),
            path,
            [.. (operation["parameters"]?.AsArray() ?? []).Select(p => new ApiParameter(
                p!["name"]!.GetValue<string>(), p["in"]!.GetValue<string>(), p["required"]?.GetValue<bool>() == true, Resolve(p["schema"]?.AsObject() ?? [])))],
            [.. content?.Select(c => c.Key) ?? []],
            content?.Select(c => c.Value?["schema"]?.AsObject()).FirstOrDefault(s => s is not null));
    }
}
