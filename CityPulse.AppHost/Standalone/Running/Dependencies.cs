using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>The waits between resources.</summary>
internal static class Dependencies
{
    /// <summary>Returns when all that a resource waits for has come about.</summary>
    public static async Task WaitAsync(IResource resource, ResourceNotificationService notifications, CancellationToken cancellationToken)
    {
        await notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Waiting });
        await Task.WhenAll(resource.Annotations.OfType<WaitAnnotation>().Select(wait => WaitAsync(resource, wait, notifications, cancellationToken)));
    }

    /// <summary>Who waits for whom, so that a circle is found before anything starts.</summary>
    public static void RefuseCircles(IEnumerable<IResource> resources)
    {
        var done = new HashSet<IResource>();
        foreach (var resource in resources)
        {
            Visit(resource, []);
        }

        void Visit(IResource resource, List<IResource> path)
        {
            if (path.Contains(resource))
            {
                var circle = path.SkipWhile(r => r != resource).Append(resource).Select(r => r.Name);
                throw new DistributedApplicationException($"These resources wait for each other and would never start: {string.Join(" → ", circle)}.");
            }

            if (!done.Contains(resource))
            {
                foreach (var wait in resource.Annotations.OfType<WaitAnnotation>())
                {
                    Visit(wait.Resource, [.. path, resource]);
                }

                done.Add(resource);
            }
        }
    }

    /// <summary>A connection string runs once what it speaks of runs; its health checks then say whether it works.</summary>
    public static async Task RunValueAsync(IResource resource, RunnerContext context, CancellationToken cancellationToken)
    {
        try
        {
            await WaitAsync(resource, context.Notifications, cancellationToken);
            var probes = new HealthProbes(resource, context.HealthChecks, context.Http);
            while (true)
            {
                var problem = await probes.CheckAsync(0, cancellationToken);
                var health = problem is null ? HealthStatus.Healthy : HealthStatus.Unhealthy;
                await context.Notifications.PublishUpdateAsync(
                    resource, s => s with { State = KnownResourceStates.Running, HealthStatus = health, Reason = problem });
                await Task.Delay(problem is null ? TimeSpan.FromSeconds(2) : TimeSpan.FromMilliseconds(150), cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            await context.Notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Exited });
        }
        catch (DistributedApplicationException e)
        {
            await context.Notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.FailedToStart, Reason = e.Message });
        }
    }

    private static async Task WaitAsync(IResource resource, WaitAnnotation wait, ResourceNotificationService notifications, CancellationToken cancellationToken)
    {
        var name = wait.Resource.Name;
        var reached = await notifications.WaitForResourceAsync(
            name, e => IsDone(wait, e.Snapshot) || KnownResourceStates.TerminalStates.Contains(e.Snapshot.State), cancellationToken);
        if (!IsDone(wait, reached.Snapshot))
        {
            throw new DistributedApplicationException($"'{resource.Name}' waits for '{name}', which is {reached.Snapshot.State}. {reached.Snapshot.Reason}");
        }
    }

    private static bool IsDone(WaitAnnotation wait, CustomResourceSnapshot state) => wait.WaitType switch
    {
        WaitType.WaitUntilHealthy => state.IsHealthy,
        WaitType.WaitUntilStarted => state.State == KnownResourceStates.Running,
        _ => state.State == KnownResourceStates.Finished && (state.ExitCode ?? 0) == wait.ExitCode,
    };
}
