using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.Api.Data;

/// <summary>Tells when the schema is in place: readiness asks it, and background work awaits it before its first query.</summary>
internal sealed class DatabaseReady : IHealthCheck
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string _waitingFor = "The database has not been asked yet.";

    public bool IsReady => _done.Task.IsCompletedSuccessfully;

    /// <summary>Completes when migrations and first data are in.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _done.Task.WaitAsync(cancellationToken);

    internal void Complete() => _done.TrySetResult();

    internal void Report(string problem) => _waitingFor = problem;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(IsReady ? HealthCheckResult.Healthy("The schema is up to date.") : HealthCheckResult.Unhealthy(_waitingFor));
}
