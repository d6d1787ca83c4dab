using Microsoft.Extensions.Hosting;

namespace CityPulse.ServiceDefaults.Health;

/// <summary>Whether the process is on its way out: no new work should be sent to it, though it still answers.</summary>
internal sealed class ShutdownState(IHostApplicationLifetime lifetime)
{
    private volatile bool _begun;

    // A signal trips the lifetime first; a host that is stopped from within begins with its lifecycle services.
    public bool IsStopping => _begun || lifetime.ApplicationStopping.IsCancellationRequested;

    public void Begin() => _begun = true;
}
