using System.Diagnostics;
using System.Globalization;

namespace CityPulse.Stores;

/// <summary>A private PostgreSQL cluster: made at the first start, loopback only, password wanted, stopped with this process.</summary>
internal sealed class PostgresStore(StoreOptions options)
{
    /// <summary>Survives a fall of the machine.</summary>
    private static readonly string[] Durable = ["max_connections=200", "fsync=on", "wal_compression=on"];

    /// <summary>Survives the fall of its own processes, and writes no more than that takes; for tests, many of which work on one side by side.</summary>
    private static readonly string[] Fleeting = ["max_connections=600", "fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0"];

    private readonly UnprivilegedUser _user = new();
    private readonly string _bin = PostgresBinaries.Find();

    public int Run(StoreLifetime lifetime)
    {
        var password = options.Password ?? throw new StoreException("Set STORE_PASSWORD to the password of the cluster's user 'postgres'.");
        var data = _user.Prepare(options.DataFolder);
        using var claim = Claim(options.DataFolder);
        if (!File.Exists(Path.Combine(data, "PG_VERSION")))
        {
            Console.WriteLine($"making a PostgreSQL cluster in {options.DataFolder}");
            InitDb(data, password);
        }

        StopLeftover(data);

        // The server dies with this thread even if this process is killed, so it must be started from a thread that stays.
        using var server = Process.Start(_user.Command(Bin("postgres"), ServerArguments(data), dieWithParent: true))!;
        var ended = 0;
        new Thread(() =>
        {
            server.WaitForExit();
            Interlocked.Exchange(ref ended, 1);
            lifetime.RequestStop();
        }) { IsBackground = true, Name = "server watch" }.Start();

        if (WaitUntilReady(server))
        {
            CreateDatabase(data, password);
            Console.WriteLine($"ready: postgres on 127.0.0.1:{options.Port}, database {options.Database}");
            lifetime.WaitForStop();
        }

        if (Volatile.Read(ref ended) == 1)
        {
            throw new StoreException($"PostgreSQL ended with exit code {server.ExitCode}; its messages are above. "
                + $"If port {options.Port} is in use, choose another.");
        }

        Stop(data);
        server.WaitForExit();
        return 0;
    }

    /// <summary>
    /// One runner a data folder. The claim ends with this process, so that a server found there with no claim on it is a leftover
    /// of a killed runner, and not the store of somebody who works with it right now.
    /// </summary>
    private static FileStream Claim(string folder)
    {
        try
        {
            return new FileStream(folder.TrimEnd(Path.DirectorySeparatorChar) + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new StoreException($"Another CityPulse runs on the data in {folder}. Stop that one first, or give this one data of its own: --DataFolder DIR.");
        }
    }

    private IEnumerable<string> ServerArguments(string data)
    {
        yield return "-D";
        yield return data;
        foreach (var setting in (string[])
        [
            $"port={options.Port.ToString(CultureInfo.InvariantCulture)}", "listen_addresses=127.0.0.1", "unix_socket_directories=",
            "shared_buffers=256MB", "max_wal_size=4GB", "log_min_messages=warning", "log_checkpoints=off", "timezone=UTC",
            .. options.Fsync ? Durable : Fleeting,
        ])
        {
            yield return "-c";
            yield return setting;
        }
    }

    private void InitDb(string data, string password)
    {
        var passwordFile = Path.GetTempFileName();
        try
        {
            // initdb reads the file as the cluster's user; it is created private and given to that user.
            File.WriteAllText(passwordFile, password);
            var owned = _user.Prepare(Path.Combine(Path.GetTempPath(), $"citypulse-{Environment.ProcessId}"));
            var readable = Path.Combine(owned, "password");
            File.Move(passwordFile, readable, overwrite: true);
            _user.Prepare(owned);
            try
            {
                var locale = OperatingSystem.IsLinux() ? "C.UTF-8" : "C";
                List<string> arguments =
                [
                    "-D", data, "-U", "postgres", "--pwfile", readable, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", locale,
                ];
                if (!options.Fsync)
                {
                    arguments.Add("--no-sync");
                }

                Execute(_user.Command(Bin("initdb"), arguments), "initdb");
            }
            finally
            {
                Directory.Delete(owned, recursive: true);
            }
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    /// <summary>A server that outlived a killed runner still holds the data folder: it is asked to stop first.</summary>
    private void StopLeftover(string data)
    {
        if (File.Exists(Path.Combine(data, "postmaster.pid")))
        {
            Stop(data);
        }
    }

    private void Stop(string data)
    {
        using var stop = Process.Start(Quiet(_user.Command(Bin("pg_ctl"), ["stop", "-D", data, "-m", "fast", "-w", "-t", "30"])))!;
        stop.StandardOutput.ReadToEnd();
        stop.WaitForExit();
    }

    private bool WaitUntilReady(Process server)
    {
        while (!server.HasExited)
        {
            using var probe = Process.Start(Quiet(_user.Command(Bin("pg_isready"), ["-q", "-h", "127.0.0.1", "-p", options.Port.ToString(CultureInfo.InvariantCulture)])))!;
            probe.WaitForExit();
            if (probe.ExitCode == 0)
            {
                return true;
            }

            Thread.Sleep(50);
        }

        return false;
    }

    private void CreateDatabase(string data, string password)
    {
        var marker = Path.Combine(data, $"citypulse-{options.Database}.created");
        if (File.Exists(marker))
        {
            return;
        }

        // \gexec works from standard input only; asking first makes a start that was cut off between the two steps harmless.
        var create = _user.Command(Bin("psql"), ["-h", "127.0.0.1", "-p", options.Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1"]);
        create.Environment["PGPASSWORD"] = password;
        Execute(create, "creating the database",
            $"SELECT 'CREATE DATABASE \"{options.Database}\"' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{options.Database}') \\gexec\n");
        File.WriteAllText(marker, "");
    }

    private static ProcessStartInfo Quiet(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        return start;
    }

    private static void Execute(ProcessStartInfo start, string what, string? input = null)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new StoreException($"{what} failed with exit code {process.ExitCode}:\n{output}{errors.Result}");
        }
    }

    private string Bin(string name) => Path.Combine(_bin, PostgresBinaries.Executable(name));
}
