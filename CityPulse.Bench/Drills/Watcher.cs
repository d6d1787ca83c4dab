using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace CityPulse.Bench.Drills;

/// <summary>A client of the live stream that connects again whenever it is cut off, and resumes with the last id that it has.</summary>
internal sealed class Watcher : IAsyncDisposable
{
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(30);
    private readonly Uri _door;
    private readonly string _token;
    private readonly string[] _topics;
    private readonly CancellationTokenSource _over = new();
    private readonly ConcurrentQueue<string> _faults = new();
    private string? _last;
    private Task _following = Task.CompletedTask;

    private Watcher(Uri door, string token, string[] topics) => (_door, _token, _topics) = (door, token, topics);

    /// <summary>Every event in the order in which it came.</summary>
    public ConcurrentQueue<(string Id, string Topic, string Type, JsonElement Data)> Events { get; } = new();

    /// <summary>What must not happen.</summary>
    public IReadOnlyCollection<string> Faults => _faults;

    public int Connections { get; private set; }

    public static async Task<Watcher> StartAsync(Uri door, string token, CancellationToken cancellationToken, params string[] topics)
    {
        var watcher = new Watcher(door, token, topics);
        var subscribed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        watcher._following = watcher.FollowAsync(subscribed);
        await subscribed.Task.WaitAsync(CallTime, cancellationToken);
        return watcher;
    }

    /// <summary>The newest value of each reading that it was told, by its sensor's id.</summary>
    public Dictionary<(Guid Sensor, DateTime At), double> Readings()
    {
        var readings = new Dictionary<(Guid, DateTime), double>();
        foreach (var reading in Events.Where(e => e.Type == "readings").SelectMany(e => e.Data.EnumerateArray()))
        {
            readings[(reading.GetProperty("sensorId").GetGuid(), reading.GetProperty("at").GetDateTimeOffset().UtcDateTime)] = reading.GetProperty("value").GetDouble();
        }

        return readings;
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _following;
        _over.Dispose();
    }

    private async Task FollowAsync(TaskCompletionSource subscribed)
    {
        while (!_over.IsCancellationRequested)
        {
            await using var hub = new HubConnectionBuilder().WithUrl(_door, options =>
            {
                options.AccessTokenProvider = () => Task.FromResult<string?>(_token);
                (options.SkipNegotiation, options.Transports) = (true, HttpTransportType.WebSockets);
            }).Build();
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            hub.Closed += _ =>
            {
                closed.TrySetResult();
                return Task.CompletedTask;
            };
            hub.On<JsonElement>("event", Take);
            try
            {
                await hub.StartAsync(_over.Token).WaitAsync(CallTime, _over.Token);
                var answer = await hub.InvokeAsync<JsonElement>("Subscribe", _topics, _last, _over.Token).WaitAsync(CallTime, _over.Token);
                if (answer.GetProperty("gap").GetBoolean())
                {
                    _faults.Enqueue($"a gap after {_last}");
                }

                _last ??= answer.GetProperty("lastId").GetString();
                Connections++;
                subscribed.TrySetResult();
                await closed.Task.WaitAsync(_over.Token);
            }
            catch (OperationCanceledException) when (_over.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is HttpRequestException or HubException or WebSocketException or IOException or InvalidOperationException or TimeoutException or OperationCanceledException)
            {
                // Not there, or gone again at once: the next try is soon.
                await Task.Delay(200);
            }
        }
    }

    private void Take(JsonElement told)
    {
        var id = told.GetProperty("id").GetString()!;
        if (_last is not null && string.CompareOrdinal(id, _last) <= 0)
        {
            _faults.Enqueue($"{id} came after {_last}");
        }

        _last = id;
        Events.Enqueue((id, told.GetProperty("topic").GetString()!, told.GetProperty("type").GetString()!, told.GetProperty("data")));
    }
}
