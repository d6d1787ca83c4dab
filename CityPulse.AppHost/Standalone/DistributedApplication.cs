using CityPulse.AppHost.Standalone.Publishing;
using CityPulse.AppHost.Standalone.Running;
using CityPulse.AppHost.Standalone.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CityPulse.AppHost.Standalone;

/// <summary>An application that can be run, or written down as a manifest.</summary>
public sealed class DistributedApplication : IHost, IAsyncDisposable
{
    private readonly IHost _host;
    private readonly TestedApplication? _test;
    private int _disposed;

    internal DistributedApplication(IHost host, TestedApplication? test)
    {
        _host = host;
        _test = test;
    }

    /// <summary>Services of the application itself.</summary>
    public IServiceProvider Services => _host.Services;

    /// <summary>What state each resource is in.</summary>
    public ResourceNotificationService ResourceNotifications => Services.GetRequiredService<ResourceNotificationService>();

    /// <summary>Begins an application.</summary>
    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => new DistributedApplicationBuilder(args);

    /// <summary>Runs until told to stop.</summary>
    public void Run() => RunAsync().GetAwaiter().GetResult();

    /// <summary>Runs until told to stop, or writes the manifest when started for that.</summary>
    public async Task RunAsync(CancellationToken cancellationToken = default)
    {
        if (_test is not null)
        {
            // The test holds the application and starts it; the entry point only has to wait for its end.
            await _test.WaitForEndAsync(cancellationToken);
            return;
        }

        if (Services.GetRequiredService<DistributedApplicationModel>().ExecutionContext.IsPublishMode)
        {
            await WriteManifestAsync(cancellationToken);
            return;
        }

        var orchestrator = Services.GetRequiredService<Orchestrator>();
        try
        {
            await _host.StartAsync(cancellationToken);
            await _host.WaitForShutdownAsync(cancellationToken);
        }
        finally
        {
            await DisposeAsync();
        }

        if (orchestrator.Failure is { } failure)
        {
            throw new DistributedApplicationException(failure);
        }
    }

    /// <summary>Starts everything; it is not healthy yet when this returns.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default) => _host.StartAsync(cancellationToken);

    /// <summary>Stops everything, those who depend on others first.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => _host.StopAsync(cancellationToken);

    /// <inheritdoc />
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (Services.GetService<Orchestrator>() is { } orchestrator)
        {
            await orchestrator.StopAsync(CancellationToken.None);
        }

        await ((IAsyncDisposable)_host).DisposeAsync();
        _test?.Ended();
    }

    private async Task WriteManifestAsync(CancellationToken cancellationToken)
    {
        var configuration = Services.GetRequiredService<IConfiguration>();
        if (configuration["publisher"] is { } publisher && publisher != "manifest")
        {
            throw new DistributedApplicationException(
                $"The standalone engine can only write the Aspire manifest (--publisher manifest); publisher '{publisher}' needs real Aspire (-p:UseAspire=true).");
        }

        var path = configuration["output-path"]
            ?? throw new DistributedApplicationException("Say where the manifest should go: --publisher manifest --output-path manifest.json");
        path = Path.GetFullPath(Directory.Exists(path) ? Path.Combine(path, "aspire-manifest.json") : path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await ManifestWriter.WriteAsync(Services.GetRequiredService<DistributedApplicationModel>(), path, cancellationToken);
        Console.WriteLine($"Wrote the manifest to {path}");
    }
}
