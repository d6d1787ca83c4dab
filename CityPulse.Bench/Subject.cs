using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CityPulse.Bench;

/// <summary>A process under measurement; its last lines are shown when it fails.</summary>
internal sealed class Subject : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Queue<string> _lines = new();

    private Subject(Process process) => _process = process;

    public static string Repository { get; } = FindRepository();

    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    public int Id => _process.Id;

    /// <param name="project">A project of the repository, built in the benchmark's own configuration.</param>
    public static Subject StartProject(string project, IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        StartProjectOf(Repository, project, environment, arguments);

    /// <summary>What is measured beside ours, or serves it: a part of this program in a process of its own.</summary>
    public static Subject StartBare(string verb, params string[] arguments) => StartProject("CityPulse.Bench", new Dictionary<string, string>
    {
        // It would be told of every write to the stores, which lie in the folder that it starts in.
        ["DOTNET_hostBuilder__reloadConfigOnChange"] = "false",
    }, [verb, .. arguments]);

    /// <param name="repository">Where another version of it lies, built in the same configuration.</param>
    public static Subject StartProjectOf(string repository, string project, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var output = Path.Combine(repository, project, "bin", Configuration, new DirectoryInfo(AppContext.BaseDirectory).Name);
        return Start("dotnet", environment, ["exec", Path.Combine(output, $"{project}.dll"), .. arguments]);
    }

    public static Subject Start(string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Repository };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        var subject = new Subject(new Process { StartInfo = start });
        subject._process.OutputDataReceived += subject.OnLine;
        subject._process.ErrorDataReceived += subject.OnLine;
        subject._process.Start();
        subject._process.BeginOutputReadLine();
        subject._process.BeginErrorReadLine();
        return subject;
    }

    /// <summary>Waits for a condition as long as the process lives.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan limit, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(start) > limit)
            {
                throw new BenchException($"{what}: not within {limit.TotalSeconds:0} s{(_process.HasExited ? ", the process has ended" : "")}.\n{Tail()}");
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    public Task<bool> HasSaidAsync(string beginning)
    {
        lock (_lines)
        {
            return Task.FromResult(_lines.Any(l => l.StartsWith(beginning, StringComparison.Ordinal)));
        }
    }

    /// <summary>The most memory that the process has had at once, in MB (Linux; elsewhere what it has now).</summary>
    public double PeakMegabytes()
    {
        var status = $"/proc/{_process.Id}/status";
        if (File.Exists(status))
        {
            var peak = File.ReadLines(status).First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return double.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
        }

        _process.Refresh();
        return _process.PeakWorkingSet64 / 1048576.0;
    }

    /// <summary>Processor time that the process has used so far.</summary>
    public TimeSpan ProcessorTime()
    {
        _process.Refresh();
        return _process.TotalProcessorTime;
    }

    /// <summary>Whether it has ended by itself within a time; else it is killed.</summary>
    public async Task<bool> HasEndedAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            await _process.WaitForExitAsync(cancellationToken).WaitAsync(limit, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            await KillAsync();
            return false;
        }
    }

    /// <summary>kill -9 of the process and all below it.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Asks it to end, as an orchestrator would, and waits until it has.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
        {
            if (OperatingSystem.IsWindows())
            {
                _process.Kill(entireProcessTree: true);
            }
            else
            {
                using var terminate = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
                await terminate.WaitForExitAsync();
            }

            try
            {
                await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
            }
            catch (TimeoutException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
    }

    private void OnLine(object sender, DataReceivedEventArgs e)
    {
        if (e.Data is { } line)
        {
            lock (_lines)
            {
                _lines.Enqueue(line);
                if (_lines.Count > 40)
                {
                    _lines.Dequeue();
                }
            }
        }
    }

    /// <summary>The last lines that it wrote.</summary>
    public string Tail()
    {
        lock (_lines)
        {
            return string.Join('\n', _lines);
        }
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CityPulse.sln")))
        {
            folder = folder.Parent ?? throw new BenchException("The benchmarks run from the repository only.");
        }

        return folder.FullName;
    }
}
