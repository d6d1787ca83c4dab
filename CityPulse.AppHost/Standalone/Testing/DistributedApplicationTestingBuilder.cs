using CityPulse.AppHost.Standalone.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CityPulse.AppHost.Standalone.Testing;

/// <summary>An application that a test may change before it is built.</summary>
public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable
{
    /// <summary>The application, to be started by the test.</summary>
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

/// <summary>Runs an AppHost in a test, with ports and data of its own.</summary>
public static class DistributedApplicationTestingBuilder
{
    /// <summary>An application that the test describes itself.</summary>
    public static IDistributedApplicationTestingBuilder Create(params string[] args)
    {
        var test = new TestedApplication(typeof(DistributedApplicationTestingBuilder).Assembly);
        var builder = test.CreateBuilder(args);
        return new TestingBuilder(test, builder, () => Task.FromResult(builder.Build()));
    }

    /// <summary>Runs the AppHost that a type belongs to up to the point where it builds the application.</summary>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default)
        where TEntryPoint : class => CreateAsync<TEntryPoint>([], cancellationToken);

    /// <summary>The same with command-line arguments.</summary>
    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : class
    {
        var test = new TestedApplication(typeof(TEntryPoint).Assembly);
        try
        {
            var builder = await test.StartAsync(args, cancellationToken);
            return new TestingBuilder(test, builder, () => test.BuildAsync(cancellationToken));
        }
        catch
        {
            test.Ended();
            throw;
        }
    }

    private sealed class TestingBuilder(TestedApplication test, DistributedApplicationBuilder builder, Func<Task<DistributedApplication>> build)
        : IDistributedApplicationTestingBuilder
    {
        private DistributedApplication? _application;

        public ConfigurationManager Configuration => builder.Configuration;

        public string AppHostDirectory => builder.AppHostDirectory;

        public IHostEnvironment Environment => builder.Environment;

        public IServiceCollection Services => builder.Services;

        public DistributedApplicationExecutionContext ExecutionContext => builder.ExecutionContext;

        public IList<IResource> Resources => builder.Resources;

        public IResourceBuilder<T> AddResource<T>(T resource)
            where T : IResource => builder.AddResource(resource);

        public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
            where T : IResource => builder.CreateResourceBuilder(resource);

        public DistributedApplication Build() => BuildAsync().GetAwaiter().GetResult();

        public async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default) =>
            _application = await build().WaitAsync(cancellationToken);

        public async ValueTask DisposeAsync()
        {
            if (_application is not null)
            {
                await _application.DisposeAsync();
            }

            test.Ended();
        }
    }
}

/// <summary>What a test wants of a running application.</summary>
public static class DistributedApplicationHostingTestingExtensions
{
    private static readonly SocketsHttpHandler Handler = new() { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(1) };

    /// <summary>A client whose base address is an endpoint of a resource.</summary>
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = null) =>
        new(Handler, disposeHandler: false) { BaseAddress = app.GetEndpoint(resourceName, endpointName) };

    /// <summary>The address of an endpoint; without a name that of <c>http</c>.</summary>
    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = null)
    {
        var resource = Find(app, resourceName) as IResourceWithEndpoints
            ?? throw new ArgumentException($"Resource '{resourceName}' has no endpoints.", nameof(resourceName));
        var endpoint = new EndpointReference(resource, endpointName ?? "http");
        return endpoint.IsAllocated
            ? new Uri(endpoint.Url)
            : throw new ArgumentException($"Resource '{resourceName}' has no endpoint '{endpoint.EndpointName}', or the application is not started.", nameof(endpointName));
    }

    /// <summary>The connection string of a resource.</summary>
    public static ValueTask<string?> GetConnectionStringAsync(this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default) =>
        Find(app, resourceName) is IResourceWithConnectionString resource
            ? resource.GetConnectionStringAsync(cancellationToken)
            : throw new ArgumentException($"Resource '{resourceName}' has no connection string.", nameof(resourceName));

    private static IResource Find(DistributedApplication app, string name) =>
        app.Services.GetRequiredService<DistributedApplicationModel>().Resources.FirstOrDefault(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no resource '{name}'.", nameof(name));
}

/// <summary>What only the standalone engine offers to tests.</summary>
public static class StandaloneTestingExtensions
{
    /// <summary>kill -9 for a process of a resource; returns when the engine has noticed, so that waiting for health then means the next process.</summary>
    public static Task KillResourceAsync(this DistributedApplication app, string resourceName, int replica = 0) =>
        app.Services.GetRequiredService<Orchestrator>().Process(resourceName).KillAsync(replica);

    /// <summary>The processes of a resource that run now.</summary>
    public static IReadOnlyList<int> GetProcessIds(this DistributedApplication app, string resourceName) =>
        [.. app.Services.GetRequiredService<Orchestrator>().Process(resourceName).ProcessIds];

    /// <summary>The last lines that a resource wrote, to explain a failed test.</summary>
    public static IReadOnlyList<string> GetLog(this DistributedApplication app, string resourceName)
    {
        var engine = app.Services.GetRequiredService<Orchestrator>();
        return [.. engine.Process(resourceName).LogNames.SelectMany(name => engine.Console.Last(name))];
    }
}
