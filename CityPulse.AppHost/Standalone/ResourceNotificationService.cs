using System.Collections.Immutable;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.AppHost.Standalone;

/// <summary>The states that a resource can be in.</summary>
public static class KnownResourceStates
{
    /// <summary>Not begun; also a resource that is started by hand.</summary>
    public const string NotStarted = nameof(NotStarted);

    /// <summary>Waits for others.</summary>
    public const string Waiting = nameof(Waiting);

    /// <summary>About to run, also again after a crash.</summary>
    public const string Starting = nameof(Starting);

    /// <summary>All its processes run.</summary>
    public const string Running = nameof(Running);

    /// <summary>Could not be started; given up.</summary>
    public const string FailedToStart = nameof(FailedToStart);

    /// <summary>Did its work and ended.</summary>
    public const string Finished = nameof(Finished);

    /// <summary>Was stopped.</summary>
    public const string Exited = nameof(Exited);

    /// <summary>States that nothing follows.</summary>
    public static readonly IReadOnlyList<string> TerminalStates = [FailedToStart, Finished, Exited];
}

/// <summary>What is known of a resource at one moment.</summary>
public sealed record CustomResourceSnapshot
{
    /// <summary>One of <see cref="KnownResourceStates"/>.</summary>
    public string State { get; init; } = KnownResourceStates.NotStarted;

    /// <summary>The health of all its processes together; null before the first answer.</summary>
    public HealthStatus? HealthStatus { get; init; }

    /// <summary>The last exit code.</summary>
    public int? ExitCode { get; init; }

    /// <summary>How often it was started again after a crash.</summary>
    public int Restarts { get; init; }

    /// <summary>Why it is not healthy, in words.</summary>
    public string? Reason { get; init; }

    internal bool IsHealthy => State == KnownResourceStates.Running && HealthStatus == Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy;
}

/// <summary>A resource and its state.</summary>
public sealed record ResourceEvent(IResource Resource, CustomResourceSnapshot Snapshot);

/// <summary>Keeps the state of each resource, and lets others wait for one.</summary>
public sealed class ResourceNotificationService
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, IResource> _resources;
    private ImmutableDictionary<string, CustomResourceSnapshot> _states;
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>All resources of the model, not started.</summary>
    public ResourceNotificationService(DistributedApplicationModel model)
    {
        _resources = model.Resources.ToDictionary(r => r.Name, StringComparer.OrdinalIgnoreCase);
        _states = _resources.Keys.ToImmutableDictionary(name => name, _ => new CustomResourceSnapshot(), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The state now.</summary>
    public CustomResourceSnapshot GetSnapshot(string resourceName)
    {
        lock (_lock)
        {
            return _states.TryGetValue(resourceName, out var state) ? state : throw Unknown(resourceName);
        }
    }

    /// <summary>Waits until a resource is in a state.</summary>
    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, e => e.Snapshot.State == (targetState ?? KnownResourceStates.Running), cancellationToken);

    /// <summary>Waits until something is true of a resource.</summary>
    public async Task<ResourceEvent> WaitForResourceAsync(string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task changed;
            ResourceEvent now;
            lock (_lock)
            {
                now = new ResourceEvent(_resources.TryGetValue(resourceName, out var resource) ? resource : throw Unknown(resourceName), _states[resourceName]);
                changed = _changed.Task;
            }

            if (predicate(now))
            {
                return now;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits until a resource is healthy; throws, with the reason, when it never will be.</summary>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default)
    {
        var reached = await WaitForResourceAsync(
            resourceName, e => e.Snapshot.IsHealthy || KnownResourceStates.TerminalStates.Contains(e.Snapshot.State), cancellationToken);
        return reached.Snapshot.IsHealthy
            ? reached
            : throw new DistributedApplicationException($"Resource '{resourceName}' cannot become healthy: it is {reached.Snapshot.State}. {reached.Snapshot.Reason}");
    }

    /// <summary>Changes what is known of a resource.</summary>
    public Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            var next = stateFactory(_states[resource.Name]);
            if (next == _states[resource.Name])
            {
                return Task.CompletedTask;
            }

            _states = _states.SetItem(resource.Name, next);
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
        return Task.CompletedTask;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static ArgumentException Unknown(string name) => new($"There is no resource '{name}'.", nameof(name));
}
