using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.Tests.AppHost.Engine;

/// <summary>A small application of shell scripts on the standalone engine, with a folder for what they leave behind.</summary>
internal sealed class EngineApp : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("citypulse-engine-").FullName;
    private DistributedApplication? _running;

    public EngineApp(params string[] args)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "these applications are shell scripts");
        Builder = DistributedApplicationTestingBuilder.Create(args);
    }

    public IDistributedApplicationTestingBuilder Builder { get; }

    public DistributedApplication Running => _running ?? throw new InvalidOperationException("Start the application first.");

    public string File(string name) => Path.Combine(_folder, name);

    /// <summary>Adds a script; <c>$DIR</c> in it is the application's folder.</summary>
    public IResourceBuilder<ExecutableResource> Script(string name, string script) =>
        Builder.AddExecutable(name, "sh", _folder, "-c", script).WithEnvironment("DIR", _folder);

    /// <summary>Healthy while a file of this name exists.</summary>
    public void HealthFile(string name) => Builder.Services.AddHealthChecks().AddCheck(
        name, () => System.IO.File.Exists(File(name)) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy($"no file {name}"));

    public async Task StartAsync()
    {
        _running = await Builder.BuildAsync(Cancel);
        await _running.StartAsync(Cancel);
    }

    public Task LineAsync(string resource, string part, int times = 1) => Eventually.TrueAsync(
        () => Running.GetLog(resource).Count(line => line.Contains(part, StringComparison.Ordinal)) >= times,
        $"{resource} says '{part}' {times} times");

    public CustomResourceSnapshot State(string resource) => Running.ResourceNotifications.GetSnapshot(resource);

    public async ValueTask DisposeAsync()
    {
        await Builder.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
