namespace CityPulse.Bench.Fanout;

/// <summary>Many subscribers of one server.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    private readonly List<Subscriber> _subscribers = [];
    private readonly CancellationTokenSource _over = new();
    private Task _beating = Task.CompletedTask;
    private int[] _before = [];

    public Ages Ages { get; } = new();

    public int Count => _subscribers.Count;

    /// <param name="atOnce">How many connect at the same time.</param>
    public static async Task<Crowd> GatherAsync(int count, Uri server, string? token, CancellationToken cancellationToken, int atOnce = 50)
    {
        var crowd = new Crowd();
        foreach (var some in Enumerable.Range(0, count).Chunk(atOnce))
        {
            crowd._subscribers.AddRange(await Task.WhenAll(some.Select(_ => Subscriber.ConnectAsync(server, token, crowd.Ages, cancellationToken))));
        }

        crowd._beating = crowd.BeatAsync();
        crowd.Restart();
        return crowd;
    }

    /// <summary>Counts from here.</summary>
    public void Restart()
    {
        _before = [.. _subscribers.Select(s => s.Events)];
        Ages.Clear();
    }

    /// <summary>Events that all together have got.</summary>
    public long Delivered() => _subscribers.Select((s, i) => (long)s.Events - _before[i]).Sum();

    /// <summary>Events that everybody has got at least.</summary>
    public int Least()
    {
        var least = int.MaxValue;
        for (var i = 0; i < _subscribers.Count; i++)
        {
            least = Math.Min(least, _subscribers[i].Events - _before[i]);
        }

        return least;
    }

    /// <summary>Waits until everybody has got so many; false when that takes too long.</summary>
    public async Task<bool> HasAsync(int events, TimeSpan limit, CancellationToken cancellationToken)
    {
        for (var start = System.Diagnostics.Stopwatch.GetTimestamp(); Least() < events;)
        {
            if (_subscribers.Find(s => s.Fault is not null) is { } lost)
            {
                throw new BenchException($"A subscriber was lost: {lost.Fault!.Message}");
            }

            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > limit)
            {
                return false;
            }

            await Task.Delay(1, cancellationToken);
        }

        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _beating;
        _subscribers.ForEach(s => s.Dispose());
        _over.Dispose();
    }

    private async Task BeatAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(10), _over.Token);
                foreach (var subscriber in _subscribers.Where(s => s.Fault is null))
                {
                    await subscriber.SendAsync("""{"type":6}""");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The measurement is over.
        }
    }
}
