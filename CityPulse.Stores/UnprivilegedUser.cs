using System.Diagnostics;

namespace CityPulse.Stores;

/// <summary>
/// PostgreSQL refuses to run as root. Started by root (a container, CI), the cluster belongs to and runs as another
/// user: <c>postgres</c> where the distribution made one, else <c>nobody</c>.
/// </summary>
internal sealed class UnprivilegedUser
{
    private readonly string? _name = Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows() ? Pick() : null;

    /// <summary>A folder that this user can reach: the wanted one, or one under /var/lib linked from there.</summary>
    public string Prepare(string folder)
    {
        if (_name is null)
        {
            Directory.CreateDirectory(folder);
            return folder;
        }

        var parent = Path.GetDirectoryName(folder)!;
        Directory.CreateDirectory(parent);
        if (!Directory.Exists(folder) && !CanEnter(parent))
        {
            // The repository lies where only root may look (such as /root): the data go elsewhere, and a link shows where.
            var elsewhere = $"/var/lib/citypulse/{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(folder)))[..16]}";
            Directory.CreateDirectory(elsewhere);
            File.CreateSymbolicLink(folder, elsewhere);
        }

        Directory.CreateDirectory(folder);
        var target = new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder;
        Execute("chown", ["-R", _name, target]);
        return target;
    }

    /// <summary>The command as this user, tied to the life of the calling thread where the system can do that.</summary>
    public ProcessStartInfo Command(string command, IEnumerable<string> arguments, bool dieWithParent = false)
    {
        List<string> line = [command, .. arguments];
        if (_name is not null)
        {
            line = ["setpriv", $"--reuid={_name}", $"--regid={GroupOf(_name)}", "--clear-groups", .. Death(dieWithParent), .. line];
        }
        else if (dieWithParent && OperatingSystem.IsLinux() && File.Exists("/usr/bin/setpriv"))
        {
            line = ["setpriv", .. Death(dieWithParent), .. line];
        }

        var start = new ProcessStartInfo(line[0]) { WorkingDirectory = Path.GetTempPath() };
        foreach (var argument in line.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Remove("STORE_PASSWORD");
        return start;
    }

    private static string[] Death(bool wanted) => wanted ? ["--pdeathsig", "INT"] : [];

    private static string Pick()
    {
        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')[0]).ToHashSet();
        return users.Contains("postgres") ? "postgres" : "nobody";
    }

    private static string GroupOf(string user) =>
        File.ReadLines("/etc/passwd").Select(line => line.Split(':')).First(fields => fields[0] == user)[3];

    private bool CanEnter(string folder)
    {
        using var process = Process.Start(Command("test", ["-x", folder]))!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static void Execute(string command, string[] arguments)
    {
        using var process = Process.Start(command, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new StoreException($"{command} {string.Join(' ', arguments)} failed with exit code {process.ExitCode}.");
        }
    }
}
