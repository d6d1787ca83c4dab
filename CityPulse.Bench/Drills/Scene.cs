using System.Diagnostics;
using Npgsql;

namespace CityPulse.Bench.Drills;

/// <summary>A fleet under an even load of readings, with a client of the live stream: what most drills disturb.</summary>
internal sealed class Scene : IAsyncDisposable
{
    private const int Writers = 4;
    private readonly CancellationTokenSource _over;
    private readonly CancellationToken _cancellationToken;
    private readonly List<Writer> _writers = [];
    private readonly Dictionary<Guid, string> _sensors = [];
    private List<Task> _loading = [];
    private Watcher _watcher = null!;

    private Scene(Fleet fleet, HttpClient client, CancellationToken cancellationToken)
    {
        (Fleet, Client, _cancellationToken) = (fleet, client, cancellationToken);
        _over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    public Fleet Fleet { get; }

    public HttpClient Client { get; }

    public string Token => Client.DefaultRequestHeaders.Authorization!.Parameter!;

    public int Repeated => _writers.Sum(w => w.Repeated);

    public static async Task<Scene> BeginAsync(FleetPlan plan, CancellationToken cancellationToken)
    {
        var fleet = await Fleet.StartAsync(plan, cancellationToken);
        try
        {
            var scene = new Scene(fleet, await fleet.RegisterAsync(cancellationToken), cancellationToken);
            await scene.LoadAsync();
            return scene;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>Says what is done now, and lets it take effect for a time.</summary>
    public async Task DoAsync(string what, Func<Task> act, TimeSpan effect)
    {
        Console.WriteLine($"  {what}");
        await act();
        await Task.Delay(effect, _cancellationToken);
    }

    /// <summary>Ends the load, and judges what was acknowledged and what was told.</summary>
    public async Task JudgeAsync(Goals goals)
    {
        await _over.CancelAsync();
        await Task.WhenAll(_loading);
        var acknowledged = _writers.SelectMany(w => w.Acknowledged).ToDictionary(a => a.Key, a => a.Value);
        var began = Stopwatch.GetTimestamp();
        var isComplete = await StoredReadings.EventuallyAsync(() => _watcher.Readings().Count >= acknowledged.Count, TimeSpan.FromSeconds(60), _cancellationToken);
        var took = Stopwatch.GetElapsedTime(began);
        Console.WriteLine(
            $"  {acknowledged.Count:N0} readings acknowledged, {Repeated:N0} batches sent again, the longest under way {_writers.Max(w => w.Longest).TotalSeconds:N1} s; "
            + $"the watcher connected {_watcher.Connections} times and was up to date after {took.TotalSeconds:N1} s");
        await using var connection = new NpgsqlConnection(Fleet.Database);
        await connection.OpenAsync(_cancellationToken);
        await StoredReadings.JudgeAsync(connection, [acknowledged], goals, _cancellationToken);
        var told = _watcher.Readings();
        var wrong = told.Count(r => !acknowledged.TryGetValue((_sensors[r.Key.Sensor], r.Key.At), out var value) || value != r.Value);
        goals.Add(
            $"the live stream told {told.Count:N0} of them, {wrong} wrong, {_watcher.Faults.Count} out of order or with a gap",
            isComplete && wrong == 0 && told.Count == acknowledged.Count && _watcher.Faults.Count == 0);
    }

    /// <summary>Waits until readings are acknowledged again by all writers.</summary>
    public async Task<TimeSpan> FlowsAsync(TimeSpan limit)
    {
        var began = Stopwatch.GetTimestamp();
        var before = _writers.ConvertAll(w => w.Batches);
        while (!_writers.Index().All(w => w.Item.Batches >= before[w.Index] + 2))
        {
            if (Stopwatch.GetElapsedTime(began) > limit)
            {
                throw new BenchException($"No readings were acknowledged for {limit.TotalSeconds:0} s.");
            }

            await Task.Delay(20, _cancellationToken);
        }

        return Stopwatch.GetElapsedTime(began);
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _watcher.DisposeAsync();
        Client.Dispose();
        await Fleet.DisposeAsync();
        _over.Dispose();
    }

    private async Task LoadAsync()
    {
        var building = await Fleet.AddBuildingAsync(Client, _cancellationToken);
        for (var writer = 0; writer < Writers; writer++)
        {
            _writers.Add(new Writer(Client, $"drill-{writer}", writer) { BatchSize = 50, Pace = TimeSpan.FromMilliseconds(200) });
            _sensors.Add(await Fleet.AddSensorAsync(Client, building, _writers[^1].Sensor, _cancellationToken), _writers[^1].Sensor);
        }

        _watcher = await Watcher.StartAsync(Fleet.Door, Token, _cancellationToken, "readings");
        _loading = _writers.ConvertAll(w => w.RunAsync(_over.Token, _cancellationToken));
    }
}
