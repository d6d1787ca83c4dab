using System.Diagnostics.CodeAnalysis;
using CityPulse.Realtime.Feed.Domain;
using CityPulse.ServiceDefaults.Security;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// One client, whatever its protocol: who it is, what it follows, and the queue of what it has still to take. One writer:
/// an event goes straight to the transport while that takes it, and waits in the queue while it does not.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Its timers end with it; a close may still use the rest after the end.")]
internal sealed class FeedConnection(
    string id, Caller caller, string accessToken, IFeedSink sink, RealtimeOptions limits, FeedMetrics metrics, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Queue<FeedEvent> _waiting = new();
    private readonly CancellationTokenSource _ended = new();
    private ITimer? _deadline;
    private volatile Pace? _pace;
    private long _waitingBytes;
    private bool _sending;
    private bool _closed;
    private TaskCompletionSource? _idle;
    private Task _closing = Task.CompletedTask;

    public string Id => id;

    public Caller Caller => caller;

    public string AccessToken => accessToken;

    /// <summary>Set when the connection ends, for whatever it waits for.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Whether the server has begun to end it; it gets no events any more.</summary>
    public bool IsClosing
    {
        get
        {
            lock (_gate)
            {
                return _closed;
            }
        }
    }

    /// <summary>Calls of one client run one after the other.</summary>
    public SemaphoreSlim Calls { get; } = new(1);

    /// <summary>What it follows, and since which event. Guarded by the <see cref="Broadcaster"/>.</summary>
    public Dictionary<Topic, EventId> Topics { get; } = [];

    /// <summary>Whether live events go out; not during a replay, which brings them itself. Guarded by the <see cref="Broadcaster"/>.</summary>
    public bool Live { get; set; } = true;

    /// <summary>Lets at most so many readings events a second and topic through from now on; 0 lets all through, <c>null</c> changes nothing.</summary>
    public void SetPace(double? maxPerSecond)
    {
        if (maxPerSecond is { } most)
        {
            // What the one before still holds goes first.
            _pace?.Dispose();
            _pace = most == 0 ? null : new Pace(TimeSpan.FromSeconds(1 / most), Put, time);
        }
    }

    /// <summary>Ends the connection at a time.</summary>
    public void CloseAt(DateTimeOffset at, FeedClose why)
    {
        var left = at - time.GetUtcNow();
        _deadline = time.CreateTimer(_ => CloseAsync(why), null, left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Sends or queues a live event. Does not wait: a client that cannot keep up is closed.</summary>
    public void Offer(FeedEvent feedEvent)
    {
        if (_pace is { } pace)
        {
            pace.Offer(feedEvent);
        }
        else
        {
            Put(feedEvent);
        }
    }

    /// <summary>Lets go what its pace has held back.</summary>
    public void Flush() => _pace?.Flush();

    private void Put(FeedEvent feedEvent)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            if (_sending)
            {
                var fits = _waiting.Count == 0
                    || (_waiting.Count < limits.QueueEvents && _waitingBytes + feedEvent.EstimatedBytes <= limits.QueueBytes);
                if (!fits)
                {
                    metrics.Dropped(_waiting.Count + 1);
                    StartClosing(FeedClose.Overflow);
                    return;
                }

                _waiting.Enqueue(feedEvent);
                _waitingBytes += feedEvent.EstimatedBytes;
                return;
            }

            _sending = true;
        }

        var sent = sink.SendAsync(feedEvent);
        if (sent.IsCompletedSuccessfully)
        {
            lock (_gate)
            {
                if (_waiting.Count == 0)
                {
                    Rest();
                    return;
                }
            }
        }

        _ = DrainAsync(sent);
    }

    /// <summary>Sends one event of a replay, as fast as the client reads. Only while <see cref="Live"/> is off.</summary>
    public async ValueTask SendAsync(FeedEvent feedEvent, CancellationToken cancel)
    {
        if (_pace is not { } pace)
        {
            await SendNowAsync(feedEvent, cancel);
            return;
        }

        foreach (var due in pace.Replay(feedEvent))
        {
            await SendNowAsync(due, cancel);
        }
    }

    /// <summary>Sends what the pace of a replay has held back.</summary>
    public async ValueTask SendHeldAsync(CancellationToken cancel)
    {
        foreach (var held in _pace?.Take() ?? [])
        {
            await SendNowAsync(held, cancel);
        }
    }

    private async ValueTask SendNowAsync(FeedEvent feedEvent, CancellationToken cancel)
    {
        await IdleAsync(cancel);
        var sent = sink.SendAsync(feedEvent);
        if (!sent.IsCompletedSuccessfully)
        {
            await sent.AsTask().WaitAsync(cancel);
        }
    }

    /// <summary>Ends the connection from the server's side; once, whoever asks first.</summary>
    public Task CloseAsync(FeedClose why)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                StartClosing(why);
            }

            return _closing;
        }
    }

    /// <summary>The transport is gone.</summary>
    public void End()
    {
        lock (_gate)
        {
            _closed = true;
            _waiting.Clear();
            _waitingBytes = 0;
        }

        _deadline?.Dispose();
        _pace?.Dispose();
        _ended.Cancel();
    }

    private Task IdleAsync(CancellationToken cancel)
    {
        lock (_gate)
        {
            if (!_sending)
            {
                return Task.CompletedTask;
            }

            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _idle.Task.WaitAsync(cancel);
        }
    }

    private async Task DrainAsync(ValueTask sending)
    {
        while (true)
        {
            await sending;
            FeedEvent? next;
            lock (_gate)
            {
                if (!_waiting.TryDequeue(out next))
                {
                    Rest();
                    return;
                }

                _waitingBytes -= next.EstimatedBytes;
            }

            sending = sink.SendAsync(next);
        }
    }

    private void Rest()
    {
        _sending = false;
        _idle?.TrySetResult();
        _idle = null;
    }

    private void StartClosing(FeedClose why)
    {
        _closed = true;
        _waiting.Clear();
        _waitingBytes = 0;
        metrics.Closed(why);
        // Away from the caller, who may hold the broadcaster: the goodbye waits for the client.
        _closing = Task.Run(async () =>
        {
            await sink.CloseAsync(why, limits.CloseTime);
            await _ended.CancelAsync();
        });
    }
}
