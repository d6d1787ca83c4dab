using System.Text.Json;
using System.Text.RegularExpressions;

namespace CityPulse.Deploy;

/// <summary>
/// The Aspire manifest with its expressions resolved as aspirate resolves them: a host is a resource's name, a parameter is what it is
/// given. Here a secret parameter is given the name of a variable, <c>$(SECRET_…)</c>, which Kubernetes fills in from a Secret when
/// the container starts; so no value of a secret is in any file.
/// </summary>
internal sealed partial class AspireManifest
{
    private readonly JsonElement _resources;

    private AspireManifest(JsonElement resources) => _resources = resources;

    /// <summary>What a secret parameter stands for in the tree.</summary>
    public static string SecretReference(string parameter) => $"$({SecretVariable(parameter)})";

    public static string SecretVariable(string parameter) => $"SECRET_{parameter.Replace('-', '_').ToUpperInvariant()}";

    public static AspireManifest Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.TryGetProperty("resources", out var resources)
                ? new AspireManifest(resources.Clone())
                : throw new DeployException("The Aspire manifest has no resources.");
        }
        catch (JsonException e)
        {
            throw new DeployException($"The Aspire manifest is no JSON: {e.Message}");
        }
    }

    /// <summary>Names of the secret parameters.</summary>
    public IEnumerable<string> Secrets => _resources.EnumerateObject().Where(r => Type(r.Value) == "parameter.v0" && IsSecret(r.Value)).Select(r => r.Name);

    /// <summary>What runs: projects and containers, as the templates see them.</summary>
    public IEnumerable<DeploymentData> Deployments(Func<string, string> imageOf)
    {
        foreach (var resource in _resources.EnumerateObject())
        {
            switch (Type(resource.Value))
            {
                case "project.v0":
                    yield return Describe(resource, imageOf(resource.Name), isProject: true);
                    break;
                case "container.v0":
                    yield return Describe(resource, Text(resource.Value, "image"), isProject: false);
                    break;
                case "parameter.v0" or "value.v0":
                    break;
                case var other:
                    throw new DeployException($"Resource '{resource.Name}' is a {other}, for which there is no template.");
            }
        }
    }

    private DeploymentData Describe(JsonProperty resource, string image, bool isProject)
    {
        var volumes = Each(resource.Value, "volumes").Select(v => new DeploymentVolume(Text(v, "name"), Text(v, "target"))).ToList();
        return new DeploymentData
        {
            Name = resource.Name,
            ContainerImage = image,
            IsProject = isProject,
            Entrypoint = resource.Value.TryGetProperty("entrypoint", out var entrypoint) ? entrypoint.GetString() : null,
            Args = [.. Each(resource.Value, "args").Select(a => Resolve(a.GetString()!))],
            Env = resource.Value.TryGetProperty("env", out var env)
                ? env.EnumerateObject().Select(e => (e.Name, Value: Resolve(e.Value.GetString()!))).Where(e => e.Value.Length > 0).ToDictionary(e => e.Name, e => e.Value)
                : [],
            Ports = resource.Value.TryGetProperty("bindings", out var bindings)
                ? [.. bindings.EnumerateObject().Select(b => new DeploymentPort(b.Name, b.Value.GetProperty("targetPort").GetInt32()))]
                : [],
            Volumes = volumes,
            Manifests = [volumes.Count > 0 ? "statefulset.yaml" : "deployment.yaml", "service.yaml"],
        };
    }

    /// <summary>Replaces every <c>{resource.path}</c>; what it leads to may have expressions too.</summary>
    private string Resolve(string text) => Expression().Replace(text, match => Value(match.Groups[1].Value.Split('.')));

    private string Value(string[] path)
    {
        if (!_resources.TryGetProperty(path[0], out var resource))
        {
            throw new DeployException($"The Aspire manifest refers to '{path[0]}', which is no resource of it.");
        }

        return path[1..] switch
        {
            ["value"] when Type(resource) == "parameter.v0" => Parameter(path[0], resource),
            ["connectionString"] => Resolve(Text(resource, "connectionString")),
            ["bindings", _, "host"] => path[0],
            ["bindings", var binding, "port" or "targetPort"] => Port(resource, binding),
            ["bindings", var binding, "url"] => $"http://{path[0]}:{Port(resource, binding)}",
            _ => throw new DeployException($"The Aspire manifest has an expression that is not known here: {{{string.Join('.', path)}}}."),
        };
    }

    private static string Parameter(string name, JsonElement parameter) =>
        IsSecret(parameter) ? SecretReference(name)
        : parameter.GetProperty("inputs").GetProperty("value").TryGetProperty("default", out var value) ? Text(value, "value")
        : throw new DeployException($"Parameter '{name}' is no secret and has no default, so nobody knows its value.");

    private static bool IsSecret(JsonElement parameter) =>
        parameter.GetProperty("inputs").GetProperty("value").TryGetProperty("secret", out var secret) && secret.GetBoolean();

    private static string Port(JsonElement resource, string binding) => $"{resource.GetProperty("bindings").GetProperty(binding).GetProperty("targetPort").GetInt32()}";

    private static string Type(JsonElement resource) => Text(resource, "type");

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static JsonElement.ArrayEnumerator Each(JsonElement element, string name) =>
        element.TryGetProperty(name, out var array) ? array.EnumerateArray() : default;

    [GeneratedRegex(@"\{([a-z0-9-]+(?:\.[A-Za-z0-9_-]+)+)\}")]
    private static partial Regex Expression();
}
