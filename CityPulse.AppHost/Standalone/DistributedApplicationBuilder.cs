using System.Reflection;
using CityPulse.AppHost.Standalone.Running;
using CityPulse.AppHost.Standalone.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CityPulse.AppHost.Standalone;

/// <summary>Describes an application.</summary>
public interface IDistributedApplicationBuilder
{
    /// <summary>Command line, environment, settings files.</summary>
    ConfigurationManager Configuration { get; }

    /// <summary>Folder of the AppHost project.</summary>
    string AppHostDirectory { get; }

    /// <summary>Development, Production.</summary>
    IHostEnvironment Environment { get; }

    /// <summary>Services of the application itself, such as health checks.</summary>
    IServiceCollection Services { get; }

    /// <summary>Run or publish.</summary>
    DistributedApplicationExecutionContext ExecutionContext { get; }

    /// <summary>In the order in which they were added.</summary>
    IList<IResource> Resources { get; }

    /// <summary>Adds a resource of any kind.</summary>
    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;

    /// <summary>A builder for a resource that is there already.</summary>
    IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource;

    /// <summary>The application, ready to run.</summary>
    DistributedApplication Build();
}

internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;
    private readonly TestedApplication? _test = TestedApplication.Current;

    public DistributedApplicationBuilder(string[] args)
    {
        DistributedApplicationErrors.ShowAsSentences();
        var assembly = _test?.EntryPoint ?? Assembly.GetEntryAssembly();
        AppHostDirectory = ProjectFolder(assembly) ?? Directory.GetCurrentDirectory();
        _host = new HostApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = args,
            ApplicationName = assembly?.GetName().Name,
            ContentRootPath = AppHostDirectory,
            EnvironmentName = _test is null ? null : Environments.Development,
        });
        if (_test is not null)
        {
            // First in the list, so that whatever a test says itself wins.
            _host.Configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource { InitialData = _test.Defaults() });
        }

        _host.Logging.SetMinimumLevel(LogLevel.Warning);

        // "Not healthy yet" is no error while something starts; the engine itself says what matters.
        _host.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

        // A start that failed is told by the exception itself, once and without a stack trace.
        _host.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        _host.Services.AddHealthChecks();
        _host.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(60));
        _host.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        ExecutionContext = new DistributedApplicationExecutionContext(
            Configuration["publisher"] is not null || string.Equals(Configuration["operation"], "publish", StringComparison.OrdinalIgnoreCase)
                ? DistributedApplicationOperation.Publish
                : DistributedApplicationOperation.Run);
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IList<IResource> Resources { get; } = [];

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (Resources.Any(other => other.Name.Equals(resource.Name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new DistributedApplicationException($"Two resources are called '{resource.Name}'; a name stands for one resource.");
        }

        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _test?.Pause(this);
        Services.AddSingleton(new DistributedApplicationModel(Resources, ExecutionContext, AppHostDirectory));
        Services.AddSingleton<ResourceNotificationService>();
        Services.AddSingleton(_test is null ? LogConsole.ForTerminal() : LogConsole.Quiet());
        if (_test is not null)
        {
            // The tests decide when an application ends; signals belong to the test runner.
            Services.AddSingleton<IHostLifetime, NoSignals>();
            Services.AddSingleton(_test);
        }

        if (ExecutionContext.IsRunMode)
        {
            Services.AddSingleton<Orchestrator>();
            Services.AddHostedService(services => services.GetRequiredService<Orchestrator>());
        }

        var application = new DistributedApplication(_host.Build(), _test);
        _test?.Built(application);
        return application;
    }

    private static string? ProjectFolder(Assembly? assembly)
    {
        var metadata = assembly?.GetType($"Projects.{assembly.GetName().Name?.Replace('.', '_')}");
        return metadata?.GetProperty("ProjectPath", BindingFlags.Public | BindingFlags.Static)?.GetValue(null) as string;
    }

    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The resources of a built application.</summary>
public sealed class DistributedApplicationModel(
    IEnumerable<IResource> resources, DistributedApplicationExecutionContext executionContext, string appHostDirectory)
{
    /// <summary>In the order in which they were added.</summary>
    public IReadOnlyList<IResource> Resources { get; } = [.. resources];

    /// <summary>Run or publish.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    /// <summary>Folder of the AppHost project.</summary>
    public string AppHostDirectory { get; } = appHostDirectory;
}

internal static class DistributedApplicationErrors
{
    private static int _done;

    /// <summary>A wrong setting is the reader's to mend: one sentence, not a stack trace.</summary>
    public static void ShowAsSentences()
    {
        if (Interlocked.Exchange(ref _done, 1) == 0)
        {
            AppDomain.CurrentDomain.UnhandledException += (_, e) =>
            {
                if (e.ExceptionObject is DistributedApplicationException error)
                {
                    Console.Error.WriteLine(error.Message);
                    Environment.Exit(1);
                }
            };
        }
    }
}
