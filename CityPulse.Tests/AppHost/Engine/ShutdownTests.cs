using System.Diagnostics;
using CityPulse.AppHost.Standalone.Running;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

public sealed class ShutdownTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_left_after_a_stop_not_even_a_grandchild_and_the_ports_are_free()
    {
        int port;
        int[] processes;
        await using (var app = new EngineApp())
        {
            app.Script("parent", "sleep 1000 & echo child $!; wait").WithEndpoint(name: "tcp");
            await app.StartAsync();
            await app.LineAsync("parent", "child");
            var child = app.Running.GetLog("parent").First(line => line.StartsWith("child ", StringComparison.Ordinal))["child ".Length..];
            processes = [int.Parse(child, System.Globalization.CultureInfo.InvariantCulture), .. app.Running.GetProcessIds("parent")];
            processes.ShouldAllBe(id => IsAlive(id));
            port = app.Running.GetEndpoint("parent", "tcp").Port;
        }

        await Eventually.TrueAsync(() => !processes.Any(IsAlive), "all processes are gone");
        Ports.IsFree(port).ShouldBeTrue();
    }

    [Fact]
    public async Task Nothing_is_left_when_the_engine_itself_is_killed()
    {
        // Made by the engine, as the cluster's user must be able to enter it.
        var folder = Path.Combine(Path.GetTempPath(), $"citypulse-kill-{Guid.NewGuid():N}");
        try
        {
            using var engine = AppHostProcess.Start("--DataFolder", folder, "--Sample=false", "--DcpPublisher:RandomizePorts=true");
            await Eventually.TrueAsync(() => WithCommandLine(folder).Count > 1 && File.Exists(Path.Combine(folder, "postgres", "postmaster.pid")),
                "a PostgreSQL server runs under the engine", TimeSpan.FromSeconds(90));

            engine.Process.Kill(entireProcessTree: false);
            await engine.Process.WaitForExitAsync(Cancel);

            await Eventually.TrueAsync(() => WithCommandLine(folder).Count == 0, "no process of it is left");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task SIGTERM_ends_the_engine_and_all_that_it_started()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"citypulse-term-{Guid.NewGuid():N}");
        try
        {
            using var engine = AppHostProcess.Start("--DataFolder", folder, "--Sample=false", "--DcpPublisher:RandomizePorts=true");
            await Eventually.TrueAsync(() => WithCommandLine(folder).Count > 1, "its processes run", TimeSpan.FromSeconds(90));

            using var kill = Process.Start("kill", ["-TERM", $"{engine.Process.Id}"]);
            await engine.Process.WaitForExitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel);

            engine.Process.ExitCode.ShouldBe(0);
            WithCommandLine(folder).ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Without_setpriv_a_watch_on_the_parent_does_the_same()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no sh");
        using var parent = Process.Start("sleep", ["1000"]);
        using var child = Process.Start("sh", ["-c", ChildProcess.WatchParent, "test", $"{parent.Id}", "sleep", "1000"]);
        child.HasExited.ShouldBeFalse();

        parent.Kill();

        await child.WaitForExitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Fact]
    public async Task The_watch_hands_on_signals_and_the_exit_code()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no sh");
        var lines = new List<string>();
        var description = new ProcessDescription("sh", ["-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"], Path.GetTempPath(), new Dictionary<string, string?>());
        using var child = ChildProcess.Start(description, line => { lock (lines) { lines.Add(line); } }, withoutSetPriv: true);
        await Eventually.TrueAsync(() => { lock (lines) { return lines.Contains("up"); } }, "the script runs");

        using var kill = Process.Start("kill", ["-TERM", $"{child.Id}"]);

        (await child.WaitForExitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel)).ShouldBe(9);
    }

    private static bool IsAlive(int id) => Directory.Exists($"/proc/{id}") && !File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal);

    /// <summary>The processes that name the data folder, other than the engine itself.</summary>
    private static List<string> WithCommandLine(string text) =>
        [.. Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)).Select(CommandLine)
            .Where(line => line.Contains(text, StringComparison.Ordinal) && !line.Contains("CityPulse.AppHost.dll", StringComparison.Ordinal))];

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText($"{process}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }
}
