using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>What every runner needs.</summary>
internal sealed record RunnerContext(ResourceNotificationService Notifications, LogConsole Console, HealthCheckService HealthChecks, HttpClient Http);

/// <summary>Keeps the processes of one resource running: waits for others, starts, watches, starts again, stops.</summary>
internal sealed class ProcessRunner : IAsyncDisposable
{
    private readonly RunnerContext _context;
    private readonly List<Replica> _replicas;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<TcpProxy> _proxies = [];
    private Task _run = Task.CompletedTask;

    public ProcessRunner(IResource resource, RunnerContext context)
    {
        Resource = resource;
        _context = context;
        var count = resource.ReplicaCount();
        var probes = new HealthProbes(resource, context.HealthChecks, context.Http);
        _replicas = [.. Enumerable.Range(0, count).Select(i => new Replica(this, i, count == 1 ? resource.Name : $"{resource.Name}-{i}", probes))];
    }

    public IResource Resource { get; }

    public IEnumerable<string> LogNames => _replicas.Select(r => r.LogName);

    public IEnumerable<int> ProcessIds => _replicas.Select(r => r.ProcessId).OfType<int>();

    /// <summary>Puts a proxy before every endpoint whose processes listen elsewhere.</summary>
    public void OpenProxies()
    {
        foreach (var endpoint in Resource.Annotations.OfType<EndpointAnnotation>())
        {
            var ports = endpoint.Allocated!;
            if (ports.TargetPorts.Any(port => port != ports.Port))
            {
                var proxy = new TcpProxy(ports.Port);
                _proxies.Add(proxy);
                foreach (var replica in _replicas)
                {
                    replica.HealthChanged += healthy => proxy.Set(ports.TargetPorts[replica.Index], healthy);
                }
            }
        }
    }

    public void Start() => _run = Task.Run(RunAsync);

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _run;
    }

    /// <summary>kill -9 for one process, and waits until that was noticed.</summary>
    public Task KillAsync(int replica) => _replicas[replica].KillAsync();

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }

        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await Dependencies.WaitAsync(Resource, _context.Notifications, _stop.Token);
            await Task.WhenAll(_replicas.Select(replica => replica.RunAsync(_stop.Token)));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            await PublishAsync(KnownResourceStates.Exited);
        }
        catch (DistributedApplicationException e)
        {
            await _context.Notifications.PublishUpdateAsync(Resource, s => s with { State = KnownResourceStates.FailedToStart, Reason = e.Message });
        }
    }

    /// <summary>The state of the resource follows from those of its processes.</summary>
    private Task PublishAsync(string? state = null) => _context.Notifications.PublishUpdateAsync(Resource, old => old with
    {
        State = state ?? _replicas.Select(r => r.State).Distinct().ToList() switch
        {
            [var same] => same,
            var several when several.Contains(KnownResourceStates.FailedToStart) => KnownResourceStates.FailedToStart,
            var several when several.Contains(KnownResourceStates.Finished) && several.Contains(KnownResourceStates.Running) => KnownResourceStates.Running,
            _ => KnownResourceStates.Starting,
        },
        HealthStatus = _replicas.All(r => r.Healthy) ? HealthStatus.Healthy : HealthStatus.Unhealthy,
        ExitCode = _replicas.Select(r => r.ExitCode).LastOrDefault(code => code is not null),
        Restarts = _replicas.Sum(r => r.Restarts),
        Reason = _replicas.Select(r => r.Reason).FirstOrDefault(reason => reason is not null),
    });

    /// <summary>One process after another in one place.</summary>
    private sealed class Replica(ProcessRunner runner, int index, string logName, HealthProbes probes)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
        private static readonly TimeSpan UntilHealthy = TimeSpan.FromMilliseconds(150);
        private static readonly TimeSpan WhileHealthy = TimeSpan.FromSeconds(2);
        private (ChildProcess Process, TaskCompletionSource Noticed)? _current;
        private bool _wasEverHealthy;
        private int _crashesInARow;

        public event Action<bool>? HealthChanged;

        public int Index { get; } = index;

        public string LogName { get; } = logName;

        public string State { get; private set; } = KnownResourceStates.Waiting;

        public bool Healthy { get; private set; }

        public int? ExitCode { get; private set; }

        public int Restarts { get; private set; }

        public string? Reason { get; private set; }

        public int? ProcessId => _current?.Process.Id;

        public async Task KillAsync()
        {
            if (_current is { } current)
            {
                current.Process.Kill();
                await current.Noticed.Task;
            }
        }

        public async Task RunAsync(CancellationToken stop)
        {
            while (true)
            {
                State = KnownResourceStates.Starting;
                await runner.PublishAsync();
                var started = System.Diagnostics.Stopwatch.GetTimestamp();
                if (await RunOnceAsync(stop) is not { } exitCode)
                {
                    State = KnownResourceStates.Exited;
                    await runner.PublishAsync();
                    return;
                }

                if (exitCode == 0 && !IsService)
                {
                    Write("finished");
                    State = KnownResourceStates.Finished;
                    await runner.PublishAsync();
                    return;
                }

                _crashesInARow = RestartPolicy.Recovered(System.Diagnostics.Stopwatch.GetElapsedTime(started)) ? 1 : _crashesInARow + 1;
                if (RestartPolicy.GivesUp(_wasEverHealthy, _crashesInARow))
                {
                    State = KnownResourceStates.FailedToStart;
                    Reason = $"It ended {_crashesInARow} times, last with exit code {exitCode}. Its last words:\n"
                        + string.Join('\n', runner._context.Console.Last(LogName, 12).Select(line => $"    {line}"));
                    await runner.PublishAsync();
                    return;
                }

                var delay = RestartPolicy.Delay(_crashesInARow);
                Restarts++;
                Write($"ended with exit code {exitCode}; restart {Restarts} in {delay.TotalSeconds:0.#} s");
                try
                {
                    await Task.Delay(delay, stop);
                }
                catch (OperationCanceledException)
                {
                    State = KnownResourceStates.Exited;
                    await runner.PublishAsync();
                    return;
                }
            }
        }

        /// <summary>A service is to run for ever; what has no endpoint may have done its work.</summary>
        private bool IsService => runner.Resource.Annotations.OfType<EndpointAnnotation>().Any();

        /// <summary>The exit code, or null when it was stopped on purpose.</summary>
        private async Task<int?> RunOnceAsync(CancellationToken stop)
        {
            var description = await ProcessDescriptions.DescribeAsync(runner.Resource, Index, runner._context.Console.Coloured, stop);
            using var process = ChildProcess.Start(description, Write);
            var noticed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _current = (process, noticed);
            Write($"started, process {process.Id}");
            State = KnownResourceStates.Running;
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var monitor = MonitorAsync(ended.Token);
            try
            {
                ExitCode = await process.WaitForExitAsync(stop);
                return ExitCode;
            }
            catch (OperationCanceledException)
            {
                await process.StopAsync(Patience);
                return null;
            }
            finally
            {
                await ended.CancelAsync();
                await monitor;
                State = KnownResourceStates.Starting;
                await SetHealthAsync("its process ended");
                _current = null;
                noticed.SetResult();
            }
        }

        private async Task MonitorAsync(CancellationToken cancellationToken)
        {
            try
            {
                while (true)
                {
                    await SetHealthAsync(await probes.CheckAsync(Index, cancellationToken));
                    await Task.Delay(Healthy ? WhileHealthy : UntilHealthy, cancellationToken);
                }
            }
            catch (OperationCanceledException)
            {
                // The process is gone; so is the question.
            }
        }

        private async Task SetHealthAsync(string? problem)
        {
            var was = Healthy;
            Healthy = problem is null;
            Reason = problem;
            _wasEverHealthy |= Healthy;
            if (was != Healthy)
            {
                HealthChanged?.Invoke(Healthy);
                if (!Healthy && State == KnownResourceStates.Running)
                {
                    Write($"is not healthy: {problem}");
                }
            }

            await runner.PublishAsync();
        }

        private void Write(string line) => runner._context.Console.Write(LogName, line);
    }
}
