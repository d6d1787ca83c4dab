using CityPulse.Realtime.Feed.Domain;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// Thins the readings of one connection out, to so many events a second and topic. The first goes at once; those that
/// come too soon after it are gathered and go as one. Everything else goes at once, and what was gathered goes before it:
/// ids keep growing, so that the last one seen is always the one to resume from.
/// </summary>
internal sealed class Pace : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Topic, Gathered> _gathered = [];
    private readonly TimeSpan _interval;
    private readonly Action<FeedEvent> _put;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long? _went;
    private long _stretch;
    private bool _isOver;

    /// <param name="interval">Shortest time between two events of one topic.</param>
    /// <param name="put">Where events go; must not wait.</param>
    public Pace(TimeSpan interval, Action<FeedEvent> put, TimeProvider time)
    {
        (_interval, _put, _time) = (interval, put, time);
        _timer = time.CreateTimer(_ => Flush(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes a live event.</summary>
    public void Offer(FeedEvent feedEvent)
    {
        lock (_gate)
        {
            if (feedEvent.Blocks is null || _isOver)
            {
                Go();
                _put(feedEvent);
                return;
            }

            var left = _went is { } went ? _interval - _time.GetElapsedTime(went) : TimeSpan.Zero;
            var isFirst = _gathered.Count == 0;
            Gather(feedEvent);
            if (isFirst)
            {
                // One record tells several topics, one after the other: they are all gathered before any of them goes.
                _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Takes an event of the past. What happened within one interval then goes as one; returns what is to go now.</summary>
    public List<FeedEvent> Replay(FeedEvent feedEvent)
    {
        lock (_gate)
        {
            var stretch = feedEvent.At.UtcTicks / _interval.Ticks;
            List<FeedEvent> due = feedEvent.Blocks is null || stretch != _stretch ? TakeGathered() : [];
            if (feedEvent.Blocks is null)
            {
                due.Add(feedEvent);
            }
            else
            {
                _stretch = stretch;
                Gather(feedEvent);
            }

            return due;
        }
    }

    /// <summary>What was gathered and has not gone.</summary>
    public List<FeedEvent> Take()
    {
        lock (_gate)
        {
            return TakeGathered();
        }
    }

    /// <summary>Lets go what was gathered, whether its time has come or not.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            Go();
        }
    }

    /// <summary>Lets go what was gathered, and thins out no more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            Go();
        }

        _timer.Dispose();
    }

    private void Gather(FeedEvent feedEvent)
    {
        if (!_gathered.TryGetValue(feedEvent.Topic, out var gathered))
        {
            _gathered.Add(feedEvent.Topic, gathered = new Gathered());
        }

        gathered.Add(feedEvent);
    }

    private void Go()
    {
        if (_gathered.Count == 0)
        {
            return;
        }

        _went = _time.GetTimestamp();
        foreach (var feedEvent in TakeGathered())
        {
            _put(feedEvent);
        }
    }

    private List<FeedEvent> TakeGathered()
    {
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        List<FeedEvent> events = [.. _gathered.Values.Select(gathered => gathered.Thinned()).OrderBy(feedEvent => feedEvent.Id)];
        _gathered.Clear();
        return events;
    }

    /// <summary>The events of one topic.</summary>
    private sealed class Gathered
    {
        private FeedEvent? _last;
        private ReadingWindow? _window;

        public void Add(FeedEvent feedEvent)
        {
            if (_last is not null && _window is null)
            {
                _window = new ReadingWindow();
                _window.Add(_last.Blocks!);
            }

            _window?.Add(feedEvent.Blocks!);
            _last = feedEvent;
        }

        /// <summary>All of them as one, under the id of the last: who has that has had the ones before. One that is thin is left as it is, and shared.</summary>
        public FeedEvent Thinned()
        {
            if (_window is null && ReadingWindow.IsThin(_last!.Blocks!))
            {
                return _last;
            }

            if (_window is null)
            {
                _window = new ReadingWindow();
                _window.Add(_last!.Blocks!);
            }

            return _last!.With(_window.Thinned());
        }
    }
}
