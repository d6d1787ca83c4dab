using System.Globalization;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>Finds out which process listens on a port, from <c>/proc</c>.</summary>
internal static class PortOwner
{
    private const string Listening = "0A";

    public static (int Id, string CommandLine)? Find(int port)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        var sockets = Sockets("/proc/net/tcp", port).Concat(Sockets("/proc/net/tcp6", port)).Select(inode => $"socket:[{inode}]").ToHashSet();
        if (sockets.Count == 0)
        {
            return null;
        }

        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Holds(folder, sockets))
            {
                return (id, CommandLine(folder));
            }
        }

        return null;
    }

    private static IEnumerable<string> Sockets(string table, int port)
    {
        if (!File.Exists(table))
        {
            yield break;
        }

        var wanted = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        foreach (var line in File.ReadLines(table).Skip(1))
        {
            // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[1].EndsWith(wanted, StringComparison.Ordinal) && fields[3] == Listening)
            {
                yield return fields[9];
            }
        }
    }

    private static bool Holds(string process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles($"{process}/fd").Any(file => new FileInfo(file).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another user's process, or one that ended meanwhile.
            return false;
        }
    }

    private static string CommandLine(string process)
    {
        try
        {
            var words = File.ReadAllText($"{process}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
            var text = string.Join(' ', words.Select(word => word.StartsWith('/') ? Path.GetFileName(word) : word));
            return text.Length > 80 ? text[..80] + "…" : text;
        }
        catch (IOException)
        {
            return "ended meanwhile";
        }
    }
}
