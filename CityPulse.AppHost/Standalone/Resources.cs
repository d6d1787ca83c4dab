using System.Collections.ObjectModel;

namespace CityPulse.AppHost.Standalone;

// The part of Aspire's application model that AppHost.cs and the tests use: the same names, the same shapes.

/// <summary>A node of the application: a process, a container, a value.</summary>
public interface IResource
{
    /// <summary>Unique in the application, case-insensitive.</summary>
    string Name { get; }

    /// <summary>Everything that was said about the resource.</summary>
    Collection<IResourceAnnotation> Annotations { get; }
}

/// <summary>Something said about a resource.</summary>
public interface IResourceAnnotation;

/// <summary>Has a value once the application runs.</summary>
public interface IValueProvider
{
    /// <summary>The value; null when there is none.</summary>
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

/// <summary>Can be written as an expression such as <c>{api.bindings.http.url}</c> in the manifest.</summary>
public interface IManifestExpressionProvider
{
    /// <summary>The expression.</summary>
    string ValueExpression { get; }
}

/// <summary>Takes environment variables.</summary>
public interface IResourceWithEnvironment : IResource;

/// <summary>Takes command-line arguments.</summary>
public interface IResourceWithArgs : IResource;

/// <summary>Listens.</summary>
public interface IResourceWithEndpoints : IResource;

/// <summary>Can be found by its name.</summary>
public interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

/// <summary>Can wait for another resource before it starts.</summary>
public interface IResourceWithWaitSupport : IResource;

/// <summary>Is reached by a connection string.</summary>
public interface IResourceWithConnectionString : IResource, IValueProvider, IManifestExpressionProvider
{
    /// <summary>How the connection string is made.</summary>
    ReferenceExpression ConnectionStringExpression { get; }

    /// <summary>The connection string of the running application.</summary>
    ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
        ConnectionStringExpression.GetValueAsync(cancellationToken);

    string IManifestExpressionProvider.ValueExpression => $"{{{Name}.connectionString}}";

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => GetConnectionStringAsync(cancellationToken);
}

/// <summary>Base of all resources.</summary>
public abstract class Resource(string name) : IResource
{
    /// <inheritdoc />
    public string Name { get; } = name;

    /// <inheritdoc />
    public Collection<IResourceAnnotation> Annotations { get; } = [];
}

/// <summary>A referenced .NET project, run from its build output.</summary>
public class ProjectResource(string name)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport;

/// <summary>Any program.</summary>
public class ExecutableResource(string name, string command, string workingDirectory)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport
{
    /// <summary>A path, or a name found on PATH.</summary>
    public string Command { get; } = command;

    /// <summary>Absolute.</summary>
    public string WorkingDirectory { get; } = workingDirectory;
}

/// <summary>A container. This engine only describes it in the manifest; it does not run it.</summary>
public class ContainerResource(string name)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport;

/// <summary>A value from outside, read from <c>Parameters:{name}</c>.</summary>
public class ParameterResource(string name, Func<string> value, bool secret) : Resource(name), IValueProvider, IManifestExpressionProvider
{
    /// <summary>Never shown and never written to the manifest.</summary>
    public bool Secret { get; } = secret;

    /// <summary>The value that the manifest may state, for what is no secret.</summary>
    public string? PublishedDefault { get; init; }

    /// <inheritdoc />
    public string ValueExpression => $"{{{Name}.value}}";

    /// <inheritdoc />
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(value());
}

/// <summary>A connection string made of other values.</summary>
public class ConnectionStringResource(string name, ReferenceExpression expression)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    /// <inheritdoc />
    public ReferenceExpression ConnectionStringExpression { get; } = expression;
}

/// <summary>A connection string given from outside, in <c>ConnectionStrings:{name}</c>.</summary>
public sealed class ConnectionStringParameterResource(string name, Func<string> value) : Resource(name), IResourceWithConnectionString
{
    /// <inheritdoc />
    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{new ParameterResource(Name, value, secret: true)}");
}

/// <summary>Where a referenced project is; the build generates one class for each in the namespace <c>Projects</c>.</summary>
public interface IProjectMetadata : IResourceAnnotation
{
    /// <summary>Absolute path of the project file.</summary>
    string ProjectPath { get; }
}

/// <summary>An error that the reader can act on: its message is shown alone, without a stack trace.</summary>
public class DistributedApplicationException(string message) : Exception(message);
