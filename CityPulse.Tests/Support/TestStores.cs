using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CityPulse.Tests.Support;
using Npgsql;

[assembly: AssemblyFixture(typeof(TestStores))]

namespace CityPulse.Tests.Support;

/// <summary>
/// Real stores for the tests: one private PostgreSQL cluster and one Garnet a test run, each started when first asked for.
/// Every caller of <see cref="CreateDatabaseAsync"/> gets a database of its own, so that tests can run side by side.
/// </summary>
public sealed class TestStores : IAsyncDisposable
{
    private const string Password = "test";
    private const int FirstPort = 12_000;
    private const int Ports = 18_000;
    private static readonly ConcurrentBag<StoreProcess> SpareRedis = [];
    private static int _nextPort = Random.Shared.Next(Ports);
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"citypulse-tests-{Guid.NewGuid():N}");
    private readonly Lazy<Task<StoreProcess>> _postgres;
    private readonly Lazy<Task<StoreProcess>> _redis;
    private readonly ConcurrentDictionary<string, Lazy<Task<IAsyncDisposable>>> _shared = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _templates = new();
    private int _databases;

    public TestStores()
    {
        _postgres = new(() => StoreProcess.StartAsync(["postgres", "--data", Path.Combine(_folder, "postgres"), "--no-fsync"], Password));
        _redis = new(() => StartRedisAsync());
    }

    /// <summary>Connection string of the shared Redis. A test that kills its Redis starts one of its own by <see cref="StartRedisAsync"/>.</summary>
    public async Task<string> GetRedisAsync() => $"127.0.0.1:{(await _redis.Value).Port}";

    /// <summary>A Redis of the caller's own, to stop, kill and start again on the same port.</summary>
    public static Task<StoreProcess> StartRedisAsync(int? port = null) => StoreProcess.StartAsync(["redis"], "", port);

    /// <summary>
    /// An empty Redis of the caller's own, as long as it has it: give it back by <see cref="GiveBackRedisAsync"/>, since to start one takes
    /// seconds of a processor.
    /// </summary>
    public static Task<StoreProcess> BorrowRedisAsync() => SpareRedis.TryTake(out var spare) ? Task.FromResult(spare) : StartRedisAsync();

    /// <summary>After all of its clients have left. One that was killed is not lent again.</summary>
    public static async Task GiveBackRedisAsync(StoreProcess redis)
    {
        if (redis.IsRunning)
        {
            await ClearAsync(redis.Port);
            SpareRedis.Add(redis);
        }
        else
        {
            await redis.DisposeAsync();
        }
    }

    /// <summary>
    /// What several classes use side by side, by name: started when first asked for, ended with the run. A started Api takes seconds of a
    /// processor, so whoever works within organisations of its own shares one.
    /// </summary>
    public async Task<T> SharedAsync<T>(string name, Func<Task<T>> start)
        where T : IAsyncDisposable =>
        (T)await _shared.GetOrAdd(name, _ => new(async () => await start())).Value;

    /// <summary>Makes an empty database and returns its connection string.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = NewName();
        await RunAsync($"CREATE DATABASE {name}");
        return await ConnectionStringAsync(name);
    }

    /// <summary>Makes a copy of a database that is filled once a run: to migrate an empty one takes seconds of a processor.</summary>
    /// <param name="fill">Brings an empty database there, and has closed its connections when it is done.</param>
    public async Task<string> CopyDatabaseAsync(string template, Func<string, Task> fill)
    {
        var original = await _templates.GetOrAdd(template, _ => new(async () =>
        {
            var filled = NewName();
            await RunAsync($"CREATE DATABASE {filled}");
            await fill(await ConnectionStringAsync(filled));
            return filled;
        })).Value;
        var name = NewName();
        await RunAsync($"CREATE DATABASE {name} TEMPLATE {original}");
        return await ConnectionStringAsync(name);
    }

    private string NewName() => $"test_{Interlocked.Increment(ref _databases)}";

    private async Task RunAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(await ConnectionStringAsync("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<string> ConnectionStringAsync(string database) =>
        $"Host=127.0.0.1;Port={(await _postgres.Value).Port};Username=postgres;Password={Password};Database={database};Maximum Pool Size=20;Include Error Detail=true";

    /// <summary>
    /// A port that is free, and that nobody else gets: one below those that the system gives to connections, and each only once a run.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = FirstPort + (int)((uint)Interlocked.Increment(ref _nextPort) % Ports);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // Somebody else's: the next one.
            }
        }
    }

    private static async Task ClearAsync(int port)
    {
        using var client = new TcpClient("127.0.0.1", port);
        var stream = client.GetStream();
        await stream.WriteAsync("*1\r\n$8\r\nFLUSHALL\r\n"u8.ToArray());
        var answer = new byte[5];
        await stream.ReadExactlyAsync(answer);
        if (!answer.AsSpan().SequenceEqual("+OK\r\n"u8))
        {
            throw new InvalidOperationException("Redis did not let go of what the last test left.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var shared in _shared.Values)
        {
            await (await shared.Value).DisposeAsync();
        }

        foreach (var spare in SpareRedis)
        {
            await spare.DisposeAsync();
        }

        foreach (var store in new[] { _postgres, _redis }.Where(s => s.IsValueCreated))
        {
            await (await store.Value).DisposeAsync();
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}

/// <summary>One running <c>CityPulse.Stores</c> process.</summary>
public sealed class StoreProcess : IAsyncDisposable
{
    private readonly Process _process;

    private StoreProcess(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public bool IsRunning => !_process.HasExited;

    public static async Task<StoreProcess> StartAsync(string[] arguments, string password, int? port = null)
    {
        port ??= TestStores.FreePort();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["exec", StoresAssembly(), .. arguments, "--port", $"{port}", "--parent", $"{Environment.ProcessId}"])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["STORE_PASSWORD"] = password;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var log = new List<string>();
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        void OnLine(object _, DataReceivedEventArgs line)
        {
            lock (log)
            {
                log.Add(line.Data ?? "");
            }

            if (line.Data?.StartsWith("ready:", StringComparison.Ordinal) == true)
            {
                ready.TrySetResult();
            }
        }

        process.OutputDataReceived += OnLine;
        process.ErrorDataReceived += OnLine;
        // What it said last may come after the news of its end.
        process.Exited += async (_, _) =>
        {
            await process.WaitForExitAsync();
            ready.TrySetException(new InvalidOperationException($"The store ended: {string.Join('\n', log)}"));
        };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(60));
        return new StoreProcess(process, port.Value);
    }

    /// <summary>kill -9, as a crash would.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using var terminate = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
            await terminate.WaitForExitAsync();
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(40));
        }

        _process.Dispose();
    }

    /// <summary>The built CityPulse.Stores beside this test project, of the same configuration.</summary>
    private static string StoresAssembly()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var configuration = output.Parent!.Name;
        return Repository.PathTo("CityPulse.Stores", "bin", configuration, output.Name, "CityPulse.Stores.dll");
    }
}
