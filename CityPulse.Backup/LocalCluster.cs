using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace CityPulse.Backup;

/// <summary>The database that <c>./citypulse up</c> keeps in <c>.citypulse/</c>: the one that runs, else it is run for as long as it takes.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private const string Database = "citydb";
    private Process? _store;

    private LocalCluster(string connectionString) => ConnectionString = connectionString;

    public string ConnectionString { get; }

    public static async Task<LocalCluster> OpenAsync(string dataFolder, CancellationToken cancellationToken)
    {
        var password = Password(Path.Combine(dataFolder, "secrets.json"));
        if (RunningPort(Path.Combine(dataFolder, "postgres", "postmaster.pid")) is { } running)
        {
            return new LocalCluster(ConnectTo(running, password));
        }

        var port = FreePort();
        var cluster = new LocalCluster(ConnectTo(port, password));
        await cluster.StartAsync(Path.Combine(dataFolder, "postgres"), port, password, cancellationToken);
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        if (_store is null)
        {
            return;
        }

        // It ends with this process in any case. Waiting for it leaves the data free for whoever is started next.
        if (!_store.HasExited && !OperatingSystem.IsWindows())
        {
            using var terminate = Process.Start("kill", ["-TERM", _store.Id.ToString(CultureInfo.InvariantCulture)]);
            await terminate.WaitForExitAsync();
            await _store.WaitForExitAsync();
        }

        _store.Dispose();
    }

    private async Task StartAsync(string data, int port, string password, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            "exec", StoresAssembly(), "postgres", "--data", data, "--port", $"{port}", "--database", Database, "--parent", $"{Environment.ProcessId}",
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["STORE_PASSWORD"] = password;
        _store = Process.Start(start)!;
        var complaints = _store.StandardError.ReadToEndAsync(cancellationToken);
        while (await _store.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("ready:", StringComparison.Ordinal))
            {
                return;
            }
        }

        throw new BackupException($"The local PostgreSQL could not be started: {(await complaints).Trim()}");
    }

    private static string ConnectTo(int port, string password) => $"Host=127.0.0.1;Port={port};Username=postgres;Password={password};Database={Database}";

    private static string Password(string file)
    {
        if (!File.Exists(file))
        {
            throw new BackupException(
                $"There is no local database here ({file} is missing). Name a server by ConnectionStrings__citydb; or, to restore on a new machine, "
                + "bring secrets.json of the old one first: the keys in it open what the backup holds.");
        }

        using var secrets = JsonDocument.Parse(File.ReadAllText(file));
        return secrets.RootElement.TryGetProperty("postgres-password", out var password) && password.GetString() is { Length: > 0 } text
            ? text
            : throw new BackupException($"{file} has no postgres-password.");
    }

    /// <summary>The port of a server that lives; its file outlives one that was killed.</summary>
    private static int? RunningPort(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        var lines = File.ReadAllLines(file);
        if (lines.Length < 4 || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out var id) || !int.TryParse(lines[3], CultureInfo.InvariantCulture, out var port))
        {
            return null;
        }

        try
        {
            using var server = Process.GetProcessById(id);
            return port;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string StoresAssembly()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var assembly = Path.Combine(output.FullName, "..", "..", "..", "..", "CityPulse.Stores", "bin", output.Parent!.Name, output.Name, "CityPulse.Stores.dll");
        return File.Exists(assembly)
            ? assembly
            : throw new BackupException("Name the database by ConnectionStrings__citydb: there is no local one beside this program.");
    }
}
