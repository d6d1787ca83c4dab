using Microsoft.Extensions.Hosting;

namespace CityPulse.ServiceDefaults.Health;

/// <summary>Whether the process is on its way out: no new work should be sent to it, though it still answers.</summary>
internal sealed class ShutdownState(IHostApplicationLifetime lifetime)
{
    public bool IsStopping => lifetime.ApplicationStopping.IsCancellationRequested;
}
