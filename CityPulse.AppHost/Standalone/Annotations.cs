namespace CityPulse.AppHost.Standalone;

/// <summary>Until when a resource waits for another.</summary>
public enum WaitType
{
    /// <summary>It runs and all its health checks pass.</summary>
    WaitUntilHealthy,

    /// <summary>It ended with an expected exit code.</summary>
    WaitForCompletion,

    /// <summary>Its process runs.</summary>
    WaitUntilStarted,
}

/// <summary>What <c>WithReference</c> may write into the environment.</summary>
[Flags]
public enum ReferenceEnvironmentInjectionFlags
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary><c>ConnectionStrings__{name}</c>.</summary>
    ConnectionString = 1,

    /// <summary>Each part of a connection string by itself. This engine never writes them.</summary>
    ConnectionProperties = 2,

    /// <summary><c>services__{resource}__{endpoint}__{i}</c>.</summary>
    ServiceDiscovery = 4,

    /// <summary><c>{RESOURCE}_{ENDPOINT}</c>. This engine never writes them.</summary>
    Endpoints = 8,

    /// <summary>All of these.</summary>
    All = ConnectionString | ConnectionProperties | ServiceDiscovery | Endpoints,
}

internal sealed record WaitAnnotation(IResource Resource, WaitType WaitType, int ExitCode = 0) : IResourceAnnotation;

internal sealed record ReplicaAnnotation(int Replicas) : IResourceAnnotation;

internal sealed record HealthCheckAnnotation(string Key) : IResourceAnnotation;

/// <summary>Asked of every replica on its own port, so that one bad replica shows.</summary>
internal sealed record HttpHealthCheckAnnotation(string Path, int StatusCode, string? EndpointName) : IResourceAnnotation;

internal sealed record EnvironmentCallbackAnnotation(Action<EnvironmentCallbackContext> Callback) : IResourceAnnotation;

internal sealed record CommandLineArgsAnnotation(IReadOnlyList<object> Args) : IResourceAnnotation;

internal sealed record ReferenceEnvironmentInjectionAnnotation(ReferenceEnvironmentInjectionFlags Flags) : IResourceAnnotation;

internal sealed record ExplicitStartupAnnotation : IResourceAnnotation;

internal sealed record ExcludeFromManifestAnnotation : IResourceAnnotation;

internal sealed record ContainerImageAnnotation(string Registry, string Image, string Tag, string? Entrypoint) : IResourceAnnotation;

internal sealed record ContainerVolumeAnnotation(string Source, string Target) : IResourceAnnotation;

internal sealed record UrlCallbackAnnotation(string EndpointName, Action<ResourceUrlAnnotation> Callback) : IResourceAnnotation;

/// <summary>A link to a resource, as it is shown to people.</summary>
public sealed class ResourceUrlAnnotation : IResourceAnnotation
{
    /// <summary>Absolute, or a path below the endpoint.</summary>
    public required string Url { get; set; }

    /// <summary>What stands beside it.</summary>
    public string? DisplayText { get; set; }
}

/// <summary>The variables of one resource while they are put together; a value is a string or an <see cref="IValueProvider"/>.</summary>
public sealed class EnvironmentCallbackContext(DistributedApplicationExecutionContext executionContext, IResource resource)
{
    /// <summary>Run or publish.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    /// <summary>Whose variables these are.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>In the order in which they were first named.</summary>
    public Dictionary<string, object> EnvironmentVariables { get; } = [];
}

/// <summary>Which of its two jobs the application was started for.</summary>
public enum DistributedApplicationOperation
{
    /// <summary>Run the resources here.</summary>
    Run,

    /// <summary>Write the manifest.</summary>
    Publish,
}

/// <summary>Which of its two jobs the application was started for.</summary>
public sealed class DistributedApplicationExecutionContext(DistributedApplicationOperation operation)
{
    /// <summary>The job.</summary>
    public DistributedApplicationOperation Operation { get; } = operation;

    /// <summary>Resources run here.</summary>
    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;

    /// <summary>The manifest is written.</summary>
    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;
}
