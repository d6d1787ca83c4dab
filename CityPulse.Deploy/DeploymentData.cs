namespace CityPulse.Deploy;

/// <summary>
/// What a template may ask for: the names are those of aspirate's own <c>KubernetesDeploymentData</c>, so that <c>aspirate generate</c>
/// and we can render the same templates. What our templates do not use is left out.
/// </summary>
internal sealed record DeploymentData
{
    public string? Name { get; init; }

    public string? Namespace { get; init; }

    public string? ContainerImage { get; init; }

    public string ImagePullPolicy { get; init; } = "IfNotPresent";

    public bool IsProject { get; init; }

    public string? Entrypoint { get; init; }

    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>Secrets stand in it as references, see <see cref="AspireManifest"/>.</summary>
    public Dictionary<string, string> Env { get; init; } = [];

    public IReadOnlyList<DeploymentPort> Ports { get; init; } = [];

    public IReadOnlyList<DeploymentVolume> Volumes { get; init; } = [];

    /// <summary>What a kustomization lists: files of a resource, or folders of all.</summary>
    public IReadOnlyList<string> Manifests { get; init; } = [];

    public bool HasArgs => Args.Count > 0;

    public bool HasPorts => Ports.Count > 0;

    public bool HasVolumes => Volumes.Count > 0;

    public bool WithNamespace => !string.IsNullOrWhiteSpace(Namespace);
}

internal sealed record DeploymentPort(string Name, int InternalPort);

internal sealed record DeploymentVolume(string Name, string Target);
