using System.Reflection;

namespace CityPulse.AppHost.Standalone.Testing;

/// <summary>
/// Runs an AppHost's entry point on a thread of its own and stops it at the two places where a test takes over:
/// before the application is built, and when the entry point would run it.
/// </summary>
internal sealed class TestedApplication(Assembly entryPoint)
{
    private static readonly AsyncLocal<TestedApplication?> Ambient = new();
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _resume = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _dataFolder = Path.Combine(Path.GetTempPath(), $"citypulse-app-{Guid.NewGuid():N}");

    /// <summary>The test for which the current code builds an application; null outside tests.</summary>
    public static TestedApplication? Current => Ambient.Value;

    public Assembly EntryPoint { get; } = entryPoint;

    /// <summary>A builder without an entry point: the test describes the application itself.</summary>
    public DistributedApplicationBuilder CreateBuilder(string[] args)
    {
        Ambient.Value = this;
        try
        {
            _resume.TrySetResult();
            return new DistributedApplicationBuilder(args);
        }
        finally
        {
            Ambient.Value = null;
        }
    }

    /// <summary>Ports and data of its own, no sample city: what a test does not say otherwise.</summary>
    public Dictionary<string, string?> Defaults() => new()
    {
        ["DcpPublisher:RandomizePorts"] = "true",
        ["DataFolder"] = _dataFolder,
        ["Sample"] = "false",
    };

    public async Task<DistributedApplicationBuilder> StartAsync(string[] args, CancellationToken cancellationToken)
    {
        var entry = EntryPoint.EntryPoint ?? throw new ArgumentException($"{EntryPoint.GetName().Name} has no entry point.");
        new Thread(() =>
        {
            Ambient.Value = this;
            try
            {
                // An async entry point is wrapped by the compiler: this returns when it has ended.
                entry.Invoke(null, entry.GetParameters().Length == 0 ? [] : [args]);
                Fail(new InvalidOperationException("The entry point ended without building an application."));
            }
            catch (TargetInvocationException e)
            {
                Fail(e.InnerException ?? e);
            }
        }) { IsBackground = true, Name = "tested application" }.Start();
        return await _builder.Task.WaitAsync(cancellationToken);
    }

    public async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _resume.TrySetResult();
        return await _application.Task.WaitAsync(cancellationToken);
    }

    /// <summary>The entry point called Build: it waits until the test does so too.</summary>
    public void Pause(DistributedApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        _resume.Task.GetAwaiter().GetResult();
    }

    public void Built(DistributedApplication application) => _application.TrySetResult(application);

    public Task WaitForEndAsync(CancellationToken cancellationToken) => _end.Task.WaitAsync(cancellationToken);

    public void Ended()
    {
        _resume.TrySetCanceled();
        _end.TrySetResult();
        if (!Directory.Exists(_dataFolder))
        {
            return;
        }

        // Where the temporary folder is closed to other users, the cluster lives elsewhere and a link leads there.
        foreach (var target in new DirectoryInfo(_dataFolder).EnumerateDirectories().Select(d => d.ResolveLinkTarget(returnFinalTarget: true)).OfType<DirectoryInfo>())
        {
            target.Delete(recursive: true);
        }

        Directory.Delete(_dataFolder, recursive: true);
    }

    private void Fail(Exception exception)
    {
        _builder.TrySetException(exception);
        _application.TrySetException(exception);
    }
}
