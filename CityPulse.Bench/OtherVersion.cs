using System.Diagnostics;

namespace CityPulse.Bench;

/// <summary>Another commit of this repository, checked out beside it and built; gone afterwards.</summary>
internal sealed class OtherVersion : IAsyncDisposable
{
    private OtherVersion(string folder, string commit) => (Folder, Commit) = (folder, commit);

    public string Folder { get; }

    public string Commit { get; }

    /// <param name="revision">As git understands it.</param>
    public static async Task<OtherVersion> BuildAsync(string revision, string project, CancellationToken cancellationToken)
    {
        var commit = (await RunAsync("git", ["rev-parse", "--verify", $"{revision}^{{commit}}"], Subject.Repository, cancellationToken)).Trim();
        var folder = Path.Combine(Subject.Repository, ".citypulse", $"upgrade-{Environment.ProcessId}");
        await RunAsync("git", ["worktree", "add", "--detach", folder, commit], Subject.Repository, cancellationToken);
        var version = new OtherVersion(folder, commit[..10]);
        try
        {
            await RunAsync("dotnet", ["build", Path.Combine(project, $"{project}.csproj"), "-c", Subject.Configuration, "-v", "q", "--nologo"], folder, cancellationToken);
            return version;
        }
        catch
        {
            await version.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync() =>
        await RunAsync("git", ["worktree", "remove", "--force", Folder], Subject.Repository, CancellationToken.None);

    private static async Task<string> RunAsync(string program, string[] arguments, string folder, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var complaints = process.StandardError.ReadToEndAsync(cancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? output : throw new BenchException($"{program} {string.Join(' ', arguments)} failed: {output}{await complaints}");
    }
}
