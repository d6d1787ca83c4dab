using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>Turns a resource into the command line and the variables of one of its processes.</summary>
internal static class ProcessDescriptions
{
    /// <summary>What was meant for us and must not reach a service.</summary>
    private static readonly string[] NotInherited =
    [
        "ASPNETCORE_URLS", "DOTNET_URLS", "URLS", "HTTP_PORTS", "HTTPS_PORTS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS",
        "DOTNET_LAUNCH_PROFILE", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES",
    ];

    public static async Task<ProcessDescription> DescribeAsync(IResource resource, int replica, bool coloured, CancellationToken cancellationToken)
    {
        // Set for this flow only, as all that is awaited below runs in it.
        EndpointReferenceExpression.ForReplica(resource, replica);
        var environment = await EnvironmentAsync(resource, replica, cancellationToken);
        if (coloured)
        {
            environment.TryAdd("DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION", "1");
        }

        var arguments = new List<string>();
        foreach (var value in resource.Annotations.OfType<CommandLineArgsAnnotation>().SelectMany(a => a.Args))
        {
            arguments.Add(await ResolveAsync(value, cancellationToken));
        }

        return resource switch
        {
            ProjectResource => Project(resource, arguments, environment),
            ExecutableResource executable => new ProcessDescription(executable.Command, arguments, executable.WorkingDirectory, environment),
            _ => throw new DistributedApplicationException($"Resource '{resource.Name}' is a container: the standalone engine runs processes only."),
        };
    }

    private static ProcessDescription Project(IResource resource, List<string> arguments, Dictionary<string, string?> environment)
    {
        var project = resource.Annotations.OfType<IProjectMetadata>().Last().ProjectPath;
        var folder = Path.GetDirectoryName(project)!;
        var assembly = Path.Combine(folder, "bin", Configuration(), "net10.0", Path.GetFileNameWithoutExtension(project) + ".dll");
        return File.Exists(assembly)
            ? new ProcessDescription(DotnetHost(), ["exec", assembly, .. arguments], folder, environment)
            : throw new DistributedApplicationException($"'{resource.Name}' is not built: {assembly} is missing. Build it with: dotnet build CityPulse.sln");
    }

    private static async Task<Dictionary<string, string?>> EnvironmentAsync(IResource resource, int replica, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run), resource);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            annotation.Callback(context);
        }

        var environment = NotInherited.ToDictionary(name => name, _ => (string?)null);
        foreach (var (name, value) in context.EnvironmentVariables)
        {
            environment[name] = await ResolveAsync(value, cancellationToken);
        }

        if (environment["OTEL_SERVICE_NAME"] is not null)
        {
            environment["OTEL_RESOURCE_ATTRIBUTES"] = string.Create(CultureInfo.InvariantCulture, $"service.instance.id={resource.Name}-{replica}");
        }

        return environment;
    }

    private static async ValueTask<string> ResolveAsync(object value, CancellationToken cancellationToken) => value switch
    {
        IValueProvider provider => await provider.GetValueAsync(cancellationToken) ?? "",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    /// <summary>Debug runs Debug, Release runs Release.</summary>
    private static string Configuration() =>
        typeof(ProcessDescriptions).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";

    /// <summary>The <c>dotnet</c> that runs us, also when we run inside another program such as a test runner.</summary>
    private static string DotnetHost()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        var beside = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        return File.Exists(beside) ? beside : name;
    }
}
