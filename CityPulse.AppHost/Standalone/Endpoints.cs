using System.Globalization;

namespace CityPulse.AppHost.Standalone;

/// <summary>A port on which a resource listens.</summary>
public sealed class EndpointAnnotation(string name, string uriScheme) : IResourceAnnotation
{
    /// <summary>Unique within the resource.</summary>
    public string Name { get; } = name;

    /// <summary><c>http</c>, <c>tcp</c> and so on.</summary>
    public string UriScheme { get; } = uriScheme;

    /// <summary>The port that others use. Null: any free one.</summary>
    public int? Port { get; set; }

    /// <summary>The port on which the process listens. Null: the same, or one for each replica.</summary>
    public int? TargetPort { get; set; }

    /// <summary>The variable that tells the process its port; without one it is part of <c>ASPNETCORE_URLS</c>.</summary>
    public string? TargetPortEnvironmentVariable { get; set; }

    /// <summary>Meant for the world outside the application.</summary>
    public bool IsExternal { get; set; }

    /// <summary>Whether the engine may stand between caller and process, which replicas need.</summary>
    public bool IsProxied { get; set; } = true;

    /// <summary>Where the process listens: on this machine only.</summary>
    public string TargetHost { get; } = "localhost";

    /// <summary>How it is spoken: <c>http</c> or <c>tcp</c>.</summary>
    public string Transport => UriScheme is "http" or "https" ? "http" : "tcp";

    /// <summary>The ports that the engine gave; null before the start.</summary>
    internal AllocatedPorts? Allocated { get; set; }
}

/// <summary>The public port of an endpoint and the port of each replica behind it.</summary>
internal sealed record AllocatedPorts(int Port, IReadOnlyList<int> TargetPorts);

/// <summary>The part of an endpoint's address that is meant.</summary>
public enum EndpointProperty
{
    /// <summary>All of it.</summary>
    Url,

    /// <summary>The host name.</summary>
    Host,

    /// <summary>The host as an IPv4 address.</summary>
    IPV4Host,

    /// <summary>The port that others use.</summary>
    Port,

    /// <summary>The scheme.</summary>
    Scheme,

    /// <summary>The port on which the process itself listens.</summary>
    TargetPort,

    /// <summary><c>host:port</c>.</summary>
    HostAndPort,
}

/// <summary>An endpoint of a resource, by name; it may be added to the resource later.</summary>
public sealed class EndpointReference(IResourceWithEndpoints owner, string endpointName) : IValueProvider, IManifestExpressionProvider
{
    /// <summary>Whose endpoint it is.</summary>
    public IResourceWithEndpoints Resource { get; } = owner;

    /// <summary>Its name there.</summary>
    public string EndpointName { get; } = endpointName;

    /// <summary>Whether the resource has such an endpoint.</summary>
    public bool Exists => Find() is not null;

    /// <summary>Whether the engine gave it a port.</summary>
    public bool IsAllocated => Find()?.Allocated is not null;

    /// <summary>The scheme.</summary>
    public string Scheme => Annotation.UriScheme;

    /// <summary>Always this machine.</summary>
    public string Host => Annotation.TargetHost;

    /// <summary>The port that others use.</summary>
    public int Port => Allocated.Port;

    /// <summary>The whole address.</summary>
    public string Url => $"{Scheme}://{Host}:{Port.ToString(CultureInfo.InvariantCulture)}";

    /// <inheritdoc />
    public string ValueExpression => Property(EndpointProperty.Url).ValueExpression;

    internal EndpointAnnotation Annotation => Find()
        ?? throw new DistributedApplicationException($"Resource '{Resource.Name}' has no endpoint '{EndpointName}'.");

    internal AllocatedPorts Allocated => Annotation.Allocated
        ?? throw new InvalidOperationException($"Endpoint '{EndpointName}' of '{Resource.Name}' has no port before the start.");

    /// <summary>A part of the address.</summary>
    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    /// <inheritdoc />
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(Url);

    private EndpointAnnotation? Find() => Resource.Annotations.OfType<EndpointAnnotation>()
        .FirstOrDefault(e => e.Name.Equals(EndpointName, StringComparison.OrdinalIgnoreCase));
}

/// <summary>A part of an endpoint's address.</summary>
public sealed class EndpointReferenceExpression(EndpointReference endpoint, EndpointProperty property) : IValueProvider, IManifestExpressionProvider
{
    private static readonly AsyncLocal<(IResource Resource, int Index)?> CurrentReplica = new();

    /// <summary>The endpoint.</summary>
    public EndpointReference Endpoint { get; } = endpoint;

    /// <summary>The part.</summary>
    public EndpointProperty EndpointProperty { get; } = property;

    /// <inheritdoc />
    public string ValueExpression => EndpointProperty switch
    {
        EndpointProperty.HostAndPort => $"{Expression("host")}:{Expression("port")}",
        EndpointProperty.IPV4Host => Expression("host"),
        EndpointProperty.TargetPort => Expression("targetPort"),
        _ => Expression(EndpointProperty.ToString().ToLowerInvariant()),
    };

    /// <inheritdoc />
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(EndpointProperty switch
    {
        EndpointProperty.Url => Endpoint.Url,
        EndpointProperty.Host => Endpoint.Host,
        EndpointProperty.IPV4Host => "127.0.0.1",
        EndpointProperty.Scheme => Endpoint.Scheme,
        EndpointProperty.Port => Text(Endpoint.Port),
        EndpointProperty.TargetPort => Text(TargetPort()),
        EndpointProperty.HostAndPort => $"{Endpoint.Host}:{Text(Endpoint.Port)}",
        _ => throw new InvalidOperationException($"Unknown endpoint property {EndpointProperty}."),
    });

    /// <summary>While the variables of one replica are resolved, the target ports of its resource are that replica's.</summary>
    internal static void ForReplica(IResource resource, int index) => CurrentReplica.Value = (resource, index);

    private int TargetPort()
    {
        var index = CurrentReplica.Value is { } current && ReferenceEquals(current.Resource, Endpoint.Resource) ? current.Index : 0;
        return Endpoint.Allocated.TargetPorts[index];
    }

    private string Expression(string part) => $"{{{Endpoint.Resource.Name}.bindings.{Endpoint.EndpointName}.{part}}}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
