using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>Runs the whole application: ports first, then every resource as soon as what it waits for is there.</summary>
internal sealed class Orchestrator : IHostedService, IAsyncDisposable
{
    private readonly DistributedApplicationModel _model;
    private readonly IConfiguration _configuration;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly IHostEnvironment _environment;
    private readonly bool _tested;
    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30) }) { Timeout = TimeSpan.FromSeconds(5) };
    private readonly RunnerContext _context;
    private readonly Dictionary<IResource, ProcessRunner> _processes = [];
    private readonly List<int> _ports = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _values = [];
    private readonly Lock _lock = new();
    private Task? _stopping;
    private Task _watching = Task.CompletedTask;

    public Orchestrator(IServiceProvider services)
    {
        _model = services.GetRequiredService<DistributedApplicationModel>();
        _configuration = services.GetRequiredService<IConfiguration>();
        _lifetime = services.GetRequiredService<IHostApplicationLifetime>();
        _environment = services.GetRequiredService<IHostEnvironment>();
        _tested = services.GetService<Testing.TestedApplication>() is not null;
        _context = new RunnerContext(
            services.GetRequiredService<ResourceNotificationService>(), services.GetRequiredService<LogConsole>(),
            services.GetRequiredService<HealthCheckService>(), _http);
    }

    /// <summary>Why the application stopped by itself; null when it did not.</summary>
    public string? Failure { get; private set; }

    public LogConsole Console => _context.Console;

    public ProcessRunner Process(string resourceName) =>
        _processes.Values.FirstOrDefault(p => p.Resource.Name.Equals(resourceName, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no process resource '{resourceName}'.", nameof(resourceName));

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Dependencies.RefuseCircles(_model.Resources);
        AllocatePorts();
        var automatic = _model.Resources.Where(r => !r.Annotations.OfType<ExplicitStartupAnnotation>().Any()).ToList();
        foreach (var resource in automatic)
        {
            switch (resource)
            {
                case ProjectResource or ExecutableResource:
                    _processes[resource] = new ProcessRunner(resource, _context);
                    break;
                case ContainerResource:
                    throw new DistributedApplicationException($"Resource '{resource.Name}' is a container: the standalone engine runs processes only.");
                case IResourceWithConnectionString:
                    _values.Add(Dependencies.RunValueAsync(resource, _context, _stop.Token));
                    break;
                default:
                    await _context.Notifications.PublishUpdateAsync(
                        resource, s => s with { State = KnownResourceStates.Running, HealthStatus = HealthStatus.Healthy });
                    break;
            }
        }

        Console.Announce(_processes.Values.SelectMany(p => p.LogNames));
        foreach (var process in _processes.Values)
        {
            process.OpenProxies();
        }

        foreach (var process in _processes.Values)
        {
            process.Start();
        }

        _watching = Task.WhenAll(AnnounceReadyAsync(automatic), Task.WhenAll(_processes.Keys.Select(StopOnFailureAsync)));
    }

    /// <summary>Those who wait for others stop before them.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _stopping ??= Task.Run(StopAllAsync, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task StopAllAsync()
    {
        var stops = new Dictionary<IResource, Task>();
        if (_processes.Count > 0)
        {
            // Only now: a model that was refused before anything started may contain the circle for which it was refused.
            Console.WriteBlock("Stopping …");
            await Task.WhenAll(_model.Resources.Select(StopOnce));
        }

        await _stop.CancelAsync();
        await Task.WhenAll(_values);
        await _watching;
        foreach (var process in _processes.Values)
        {
            await process.DisposeAsync();
        }

        Ports.Release(_ports);

        Task StopOnce(IResource resource)
        {
            if (!stops.TryGetValue(resource, out var stop))
            {
                var dependents = _model.Resources.Where(r => r.Annotations.OfType<WaitAnnotation>().Any(w => w.Resource == resource)).Select(StopOnce).ToList();
                stops[resource] = stop = StopAfterAsync(dependents, resource);
            }

            return stop;
        }
    }

    private async Task StopAfterAsync(List<Task> dependents, IResource resource)
    {
        await Task.WhenAll(dependents);
        if (_processes.TryGetValue(resource, out var process))
        {
            await process.StopAsync();
        }
    }

    private void AllocatePorts()
    {
        // Aspire's own name for it: tests run side by side, so the ports that the model asks for are not theirs.
        var random = _configuration.GetValue("DcpPublisher:RandomizePorts", false);
        foreach (var resource in _model.Resources.Where(r => r is ProjectResource or ExecutableResource))
        {
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            {
                var wanted = random ? null : endpoint.Port;
                if (wanted is { } fixedPort)
                {
                    Ports.EnsureFree(fixedPort, resource.Name, endpoint.Name);
                }

                var replicas = resource.ReplicaCount();
                if (replicas > 1 && (endpoint.TargetPort is not null || !endpoint.IsProxied))
                {
                    throw new DistributedApplicationException($"Endpoint '{endpoint.Name}' of '{resource.Name}' names one port for {replicas} replicas.");
                }

                var port = wanted ?? (random || replicas > 1 ? null : endpoint.TargetPort) ?? Allocate();
                endpoint.Allocated = new AllocatedPorts(port, replicas > 1
                    ? [.. Enumerable.Range(0, replicas).Select(_ => Allocate())]
                    : [random ? port : endpoint.TargetPort ?? port]);
            }
        }

        int Allocate()
        {
            var port = Ports.Allocate();
            _ports.Add(port);
            return port;
        }
    }

    private async Task AnnounceReadyAsync(List<IResource> automatic)
    {
        try
        {
            await Task.WhenAll(automatic.Select(r => _context.Notifications.WaitForResourceAsync(
                r.Name, e => e.Snapshot.IsHealthy || e.Snapshot.State == KnownResourceStates.Finished || (e.Snapshot.State == KnownResourceStates.FailedToStart && !Matters(r)), _stop.Token)));
            Console.WriteBlock(StartupTable.Write(_model, _configuration, _environment, Console));
        }
        catch (OperationCanceledException)
        {
            // Stopped before it was ready.
        }
    }

    private async Task StopOnFailureAsync(IResource resource)
    {
        try
        {
            var failed = await _context.Notifications.WaitForResourceAsync(resource.Name, e => e.Snapshot.State == KnownResourceStates.FailedToStart, _stop.Token);
            Console.Write(resource.Name, $"could not be started. {failed.Snapshot.Reason}");
            if (Matters(resource) && !_tested)
            {
                lock (_lock)
                {
                    Failure ??= $"'{resource.Name}' could not be started. {failed.Snapshot.Reason}";
                }

                _lifetime.StopApplication();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped without a failure.
        }
    }

    /// <summary>Without a service the rest is of no use; a helper that nobody waits for is.</summary>
    private bool Matters(IResource resource) =>
        resource.Annotations.OfType<EndpointAnnotation>().Any()
        || _model.Resources.Any(r => r.Annotations.OfType<WaitAnnotation>().Any(w => w.Resource == resource));
}
