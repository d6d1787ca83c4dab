using System.Diagnostics;
using System.Globalization;

namespace CityPulse.Bench.Drills;

/// <summary>A process of a fleet, which is killed, ended and started again at the same address.</summary>
internal sealed class Replica(string name, int port, Func<CancellationToken, Task<Subject>> start)
{
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(30);
    private Subject? _process;

    public string Name => name;

    /// <summary>Where a link sends its connections.</summary>
    public int Port => port;

    public Subject Process => _process ?? throw new BenchException($"{name} was not started.");

    public async Task StartAsync(CancellationToken cancellationToken) => _process = await start(cancellationToken);

    /// <summary>kill -9.</summary>
    public Task KillAsync() => Process.KillAsync();

    /// <returns>How long it took to end, and whether it was within the grace period.</returns>
    public async Task<(TimeSpan Took, bool InTime)> EndAsync(CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        using var terminate = System.Diagnostics.Process.Start("kill", ["-TERM", Process.Id.ToString(CultureInfo.InvariantCulture)]);
        await terminate.WaitForExitAsync(cancellationToken);
        var ended = await Process.HasEndedAsync(GracePeriod, cancellationToken);
        return (Stopwatch.GetElapsedTime(began), ended);
    }
}
