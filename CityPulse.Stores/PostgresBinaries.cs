using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace CityPulse.Stores;

/// <summary>Finds the programs of a local PostgreSQL, 15 or newer.</summary>
internal static partial class PostgresBinaries
{
    public const int OldestMajor = 15;

    /// <summary>The folder that holds <c>initdb</c>, <c>postgres</c> and <c>pg_ctl</c>.</summary>
    public static string Find() => Find(OldestMajor, "postgres", "initdb");

    /// <summary>A folder that holds these programs, the first of them at least as new as <paramref name="oldest"/>.</summary>
    public static string Find(int oldest, params ReadOnlySpan<string> programs)
    {
        var tooOld = new List<string>();
        foreach (var folder in Candidates())
        {
            if (!HasAll(folder, programs))
            {
                continue;
            }

            if (MajorVersion(Path.Combine(folder, Executable(programs[0]))) is { } major && major >= oldest)
            {
                return folder;
            }

            tooOld.Add(folder);
        }

        var found = tooOld.Count == 0 ? "" : $" (too old: {string.Join(", ", tooOld)})";
        throw new StoreException(
            $"PostgreSQL {oldest} or newer is not installed{found}. Install it with: sudo apt-get install -y postgresql   "
            + "(or: brew install postgresql@17, winget install PostgreSQL.PostgreSQL.17), or set CITYPULSE_PG_BIN to its bin folder, "
            + "or give a server by ConnectionStrings__citydb.");
    }

    private static bool HasAll(string folder, ReadOnlySpan<string> programs)
    {
        foreach (var program in programs)
        {
            if (!File.Exists(Path.Combine(folder, Executable(program))))
            {
                return false;
            }
        }

        return true;
    }

    private static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable("CITYPULSE_PG_BIN") is { Length: > 0 } given)
        {
            yield return given;
        }

        foreach (var folder in Newest("/usr/lib/postgresql").Concat(Newest(@"C:\Program Files\PostgreSQL")))
        {
            yield return Path.Combine(folder, "bin");
        }

        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            yield return folder;
        }

        foreach (var prefix in new[] { "/opt/homebrew/opt", "/usr/local/opt" })
        {
            for (var major = 18; major >= OldestMajor; major--)
            {
                yield return $"{prefix}/postgresql@{major}/bin";
            }
        }

        yield return "/usr/local/pgsql/bin";
    }

    private static IEnumerable<string> Newest(string folder) => Directory.Exists(folder)
        ? Directory.GetDirectories(folder).OrderByDescending(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var v) ? v : 0)
        : [];

    private static int? MajorVersion(string program)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, "--version") { RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // A link to nowhere, or a file that is no program: no server to be had here.
        }

        using var running = process;
        var match = Version().Match(running.StandardOutput.ReadToEnd());
        running.WaitForExit();
        return match.Success ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;
    }

    public static string Executable(string name) => OperatingSystem.IsWindows() ? name + ".exe" : name;

    [GeneratedRegex(@"\b(\d+)(\.|devel|beta|rc)")]
    private static partial Regex Version();
}
