using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Health;

/// <summary>
/// Gives every check a bound, whoever registered it: a store that takes connections and says nothing must not keep a probe waiting for longer
/// than the prober does, and some libraries' checks have no timeout. Checks run side by side, so this bounds the whole answer.
/// </summary>
internal sealed class BoundedChecks : IPostConfigureOptions<HealthCheckServiceOptions>
{
    /// <summary>Well below the timeouts of the probes under <c>deploy/</c>.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    public void PostConfigure(string? name, HealthCheckServiceOptions options)
    {
        foreach (var registration in options.Registrations)
        {
            if (registration.Timeout == Timeout.InfiniteTimeSpan || registration.Timeout > Longest)
            {
                registration.Timeout = Longest;
            }

            var make = registration.Factory;
            registration.Factory = services => new BoundedCheck(make, services.GetRequiredService<IServiceScopeFactory>());
        }
    }

    /// <summary>
    /// Lets go of a check at its timeout even if the check does not listen to its token. What it was lent it keeps until it ends, in a scope of
    /// its own: a context that is still in use must not go back to its pool.
    /// </summary>
    private sealed class BoundedCheck(Func<IServiceProvider, IHealthCheck> make, IServiceScopeFactory scopes) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.Run(() => RunAsync(context, cancellationToken), CancellationToken.None).WaitAsync(cancellationToken);

        private async Task<HealthCheckResult> RunAsync(HealthCheckContext context, CancellationToken cancellationToken)
        {
            await using var scope = scopes.CreateAsyncScope();
            return await make(scope.ServiceProvider).CheckHealthAsync(context, cancellationToken);
        }
    }
}
