using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CityPulse.Stores;

/// <summary>Turns Ctrl+C, SIGTERM and the end of the parent process into one signal to stop.</summary>
internal sealed class StoreLifetime : IDisposable
{
    private readonly ManualResetEventSlim _stop = new();
    private readonly PosixSignalRegistration[] _signals;

    public StoreLifetime(int? parentProcessId)
    {
        _signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal =>
            PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                _stop.Set();
            }))];
        if (parentProcessId is { } pid)
        {
            new Thread(() => WatchParent(pid)) { IsBackground = true, Name = "parent watch" }.Start();
        }
    }

    public void RequestStop() => _stop.Set();

    public void WaitForStop() => _stop.Wait();

    public void Dispose()
    {
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }
    }

    private void WatchParent(int pid)
    {
        try
        {
            using var parent = Process.GetProcessById(pid);
            parent.WaitForExit();
        }
        catch (ArgumentException)
        {
            // The parent was gone before we could look: the same as if it ended now.
        }

        _stop.Set();
    }
}
