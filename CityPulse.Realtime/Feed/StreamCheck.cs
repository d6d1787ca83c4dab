using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.Realtime.Feed;

/// <summary>Ready once the stream's place is known: before that nobody can subscribe.</summary>
internal sealed class StreamCheck(Broadcaster broadcaster) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(broadcaster.Started.IsCompletedSuccessfully
            ? HealthCheckResult.Healthy("The stream is followed.", new Dictionary<string, object> { ["position"] = broadcaster.Last })
            : new HealthCheckResult(context.Registration.FailureStatus, "The stream cannot be read from Api yet."));
}
