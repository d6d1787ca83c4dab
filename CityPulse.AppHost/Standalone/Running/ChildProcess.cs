using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>What to start. A variable without a value is taken away from what is inherited.</summary>
internal sealed record ProcessDescription(
    string Command, IReadOnlyList<string> Arguments, string WorkingDirectory, IReadOnlyDictionary<string, string?> Environment);

/// <summary>A process that cannot outlive this one, and that Ctrl+C on our terminal does not reach before we stop it in order.</summary>
internal sealed partial class ChildProcess : IDisposable
{
    private const int SigTerm = 15;
    private const int SigKill = 9;

    /// <summary>Runs the command, hands signals on, and kills it when the parent is gone. For systems without setpriv.</summary>
    internal const string WatchParent =
        "parent=$1; shift; \"$@\" & child=$!; trap 'kill -TERM $child 2>/dev/null' TERM INT HUP; "
        + "(while kill -0 $parent 2>/dev/null && kill -0 $child 2>/dev/null; do sleep 0.5; done; kill -KILL $child 2>/dev/null) & "
        + "wait $child; code=$?; while kill -0 $child 2>/dev/null; do wait $child; code=$?; done; exit $code";

    private static readonly string? SetPriv = OnPath("setpriv");
    private static readonly string? SetSid = OnPath("setsid");
    private readonly Process _process;
    private readonly Task _output;
    private readonly Lock _lock = new();
    private bool _disposed;

    private ChildProcess(Process process, Action<string> onLine)
    {
        _process = process;
        Id = process.Id;
        _output = Task.WhenAll(ReadAsync(process.StandardOutput, onLine), ReadAsync(process.StandardError, onLine));
    }

    public int Id { get; }

    /// <param name="withoutSetPriv">Takes the way of systems that lack setpriv; for tests.</param>
    public static ChildProcess Start(ProcessDescription description, Action<string> onLine, bool withoutSetPriv = false)
    {
        var command = description.Command.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? Path.GetFullPath(description.Command, description.WorkingDirectory)
            : OnPath(description.Command) ?? throw new DistributedApplicationException($"Command '{description.Command}' was not found on PATH.");
        if (!Directory.Exists(description.WorkingDirectory))
        {
            throw new DistributedApplicationException($"Folder {description.WorkingDirectory} does not exist.");
        }

        List<string> line = [.. Tie(withoutSetPriv), command, .. description.Arguments];
        var start = new ProcessStartInfo(line[0])
        {
            WorkingDirectory = description.WorkingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Kept open and never written to: who reads it learns from its end that we are gone.
            RedirectStandardInput = true,
        };
        foreach (var argument in line.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in description.Environment)
        {
            start.Environment[name] = value;
        }

        return new ChildProcess(LaunchThread.Start(start), onLine);
    }

    /// <summary>The exit code; all output has been read by then.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);

        // A grandchild may hold the pipes open after its parent ended; its words can wait no longer than this.
        await Task.WhenAny(_output, Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None));
        return _process.ExitCode;
    }

    /// <summary>Asks first, then insists; takes whatever it started along.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (!_process.HasExited && !OperatingSystem.IsWindows())
        {
            _ = Signal(Id, SigTerm);
            using var limit = new CancellationTokenSource(patience);
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                // Patience is over.
            }
        }

        Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>kill -9 for the process and its group.</summary>
    public void Kill()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            if (OperatingSystem.IsWindows())
            {
                _process.Kill(entireProcessTree: true);
                return;
            }

            // It leads a group of its own: this also reaches a grandchild that it left behind.
            if (SetSid is null || Signal(-Id, SigKill) != 0)
            {
                _ = Signal(Id, SigKill);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _process.Dispose();
        }
    }

    /// <summary>The words before the command that tie its life to ours.</summary>
    private static IEnumerable<string> Tie(bool withoutSetPriv)
    {
        if (OperatingSystem.IsWindows())
        {
            WindowsJob.KillChildrenWithUs();
            return [];
        }

        IEnumerable<string> ownGroup = SetSid is null ? [] : [SetSid];
        return OperatingSystem.IsLinux() && SetPriv is not null && !withoutSetPriv
            ? [.. ownGroup, SetPriv, "--pdeathsig", "KILL", "--"]
            : [.. ownGroup, "/bin/sh", "-c", WatchParent, "citypulse-child", System.Environment.ProcessId.ToString(CultureInfo.InvariantCulture)];
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> onLine)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                onLine(line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The pipe went away with the process.
        }
    }

    private static string? OnPath(string command)
    {
        IEnumerable<string> names = OperatingSystem.IsWindows() ? [command + ".exe", command + ".cmd", command] : [command];
        return (System.Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(name => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Signal(int pid, int signal);

    /// <summary>
    /// Linux sends the signal of a parent's death when the starting *thread* ends, and pool threads come and go:
    /// so one thread that stays starts all processes.
    /// </summary>
    private static class LaunchThread
    {
        private static readonly BlockingCollection<Action> Work = [];

        static LaunchThread() => new Thread(() =>
        {
            foreach (var action in Work.GetConsumingEnumerable())
            {
                action();
            }
        }) { IsBackground = true, Name = "process launcher" }.Start();

        public static Process Start(ProcessStartInfo info)
        {
            var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
            Work.Add(() =>
            {
                try
                {
                    started.SetResult(Process.Start(info)!);
                }
                catch (System.ComponentModel.Win32Exception e)
                {
                    started.SetException(new DistributedApplicationException($"'{info.FileName}' could not be started: {e.Message}"));
                }
            });
            return started.Task.GetAwaiter().GetResult();
        }
    }
}
