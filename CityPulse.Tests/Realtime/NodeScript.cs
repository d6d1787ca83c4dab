using System.Diagnostics;
using Shouldly;

namespace CityPulse.Tests.Realtime;

/// <summary>A script, of JavaScript under Node.js as a rule, which tells what happens to it line by line.</summary>
internal sealed class NodeScript : IDisposable
{
    private readonly Process _node;

    private NodeScript(Process node) => _node = node;

    /// <summary>Skips the test, and says so, where there is no Node.js with WebSockets.</summary>
    public static void RequireNode() => Assert.SkipUnless(
        Run("node", null, "--experimental-websocket", "-e", "new WebSocket('ws://127.0.0.1:1').onerror = () => process.exit(0)") is null,
        "There is no Node.js here.");

    /// <summary>A folder with a package of npm's; skips the test, and says so, where it cannot be had.</summary>
    public static string RequirePackage(string name, string version)
    {
        RequireNode();
        var folder = Path.Combine(Path.GetTempPath(), "citypulse-tests", $"{name.Replace('/', '-')}-{version}");
        if (!Directory.Exists(folder))
        {
            var fresh = Path.Combine(Path.GetTempPath(), "citypulse-tests", Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(fresh);
            var fault = Run(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", fresh,
                "install", "--prefix", fresh, "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=15000", $"{name}@{version}");
            if (fault is not null)
            {
                Directory.Delete(fresh, recursive: true);
                Assert.Skip($"npm cannot install {name} {version} here: {fault}");
            }

            try
            {
                Directory.Move(fresh, folder);
            }
            catch (IOException)
            {
                // Another run was faster.
                Directory.Delete(fresh, recursive: true);
            }
        }

        return folder;
    }

    /// <summary>A folder with several packages of npm's, gone with what is returned.</summary>
    public static PackageFolder RequirePackages(params (string Name, string Version)[] packages)
    {
        var folder = new PackageFolder();
        foreach (var (name, version) in packages)
        {
            folder.Link(name, RequirePackage(name, version));
        }

        return folder;
    }

    /// <param name="folder">Where packages are looked for.</param>
    public static NodeScript Start(string script, string? folder = null)
    {
        var start = new ProcessStartInfo("node", ["--experimental-websocket", "--no-warnings", "--input-type=module", "-e", script])
        {
            WorkingDirectory = folder ?? AppContext.BaseDirectory,
        };
        return Start(start);
    }

    /// <summary>Another program, which is listened to in the same way.</summary>
    public static NodeScript Start(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        return new NodeScript(Process.Start(start)!);
    }

    /// <summary>Reads lines until one ends so, and returns it.</summary>
    public async Task<string> ExpectAsync(string end)
    {
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        var read = new List<string>();
        while (read.Count == 0 || !read[^1].EndsWith(end, StringComparison.Ordinal))
        {
            var line = await _node.StandardOutput.ReadLineAsync(deadline.Token);
            line.ShouldNotBeNull($"the script ended before '{end}', after: {string.Join('\n', read)} {(_node.HasExited ? await _node.StandardError.ReadToEndAsync(deadline.Token) : "")}");
            read.Add(line);
        }

        return read[^1];
    }

    /// <summary>Waits until it has ended well, and returns all that it said.</summary>
    public async Task<string> ReadToEndAsync()
    {
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        var errors = _node.StandardError.ReadToEndAsync(deadline.Token);
        var said = await _node.StandardOutput.ReadToEndAsync(deadline.Token);
        await _node.WaitForExitAsync(deadline.Token);
        _node.ExitCode.ShouldBe(0, said + await errors);
        return said;
    }

    public void Dispose()
    {
        _node.Kill();
        _node.WaitForExit();
        _node.Dispose();
    }

    /// <summary>A file of the repository.</summary>
    public static string Source(string path)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CityPulse.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return Path.Combine(folder.FullName, path);
    }

    /// <returns>What went wrong, or null.</returns>
    private static string? Run(string program, string? folder, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
            if (folder is not null)
            {
                start.WorkingDirectory = folder;
            }

            using var process = Process.Start(start)!;
            process.OutputDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"{error.Trim()} (exit code {process.ExitCode})";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }
    }
}

/// <summary>Links to packages that were installed one by one.</summary>
internal sealed class PackageFolder : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("citypulse-packages-").FullName;

    public void Link(string name, string installed)
    {
        var link = Path.Combine(Folder, "node_modules", name);
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        Directory.CreateSymbolicLink(link, Path.Combine(installed, "node_modules", name));
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
