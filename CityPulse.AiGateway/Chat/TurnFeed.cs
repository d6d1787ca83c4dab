using System.Globalization;
using System.Text;

namespace CityPulse.AiGateway.Chat;

/// <summary>An event of a streamed turn, as it goes over the wire.</summary>
internal sealed record TurnEvent(int Number, string Type, string Data)
{
    /// <summary>Nothing comes after it.</summary>
    public bool IsLast => Type is "done" or "error";

    public byte[] ToBytes(Guid turn) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {EventId.Of(turn, Number)}\nevent: {Type}\ndata: {Data}\n\n"));
}

/// <summary>The id of an event on the wire: the turn's, and the event's number in it from 1.</summary>
internal static class EventId
{
    public static string Of(Guid turn, int number) => string.Create(CultureInfo.InvariantCulture, $"{turn:N}-{number}");

    public static (Guid Turn, int Number)? Parse(string? text) =>
        text?.Split('-') is [var turn, var number] && Guid.TryParseExact(turn, "N", out var id)
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            ? (id, n)
            : null;
}

/// <summary>The events of one streamed turn so far, and how many read them.</summary>
internal sealed class TurnFeed(Guid id, Guid organizationId, Guid userId) : IDisposable
{
    private readonly CancellationTokenSource _work = new();
    private readonly Lock _lock = new();
    private readonly List<TurnEvent> _events = [];
    private TaskCompletionSource _more = New();
    private int _readers;

    public Guid Id => id;

    public Guid OrganizationId => organizationId;

    public Guid UserId => userId;

    /// <summary>Ends the work on the turn when nobody waits for it.</summary>
    public CancellationToken Work => _work.Token;

    public bool HasReaders => Volatile.Read(ref _readers) > 0;

    public bool HasEnded
    {
        get
        {
            lock (_lock)
            {
                return _events is [.., { IsLast: true }];
            }
        }
    }

    /// <summary>What the next event will be. One writer adds all events of a turn.</summary>
    public TurnEvent Next(string type, string data)
    {
        lock (_lock)
        {
            return new TurnEvent(_events.Count + 1, type, data);
        }
    }

    public void Add(TurnEvent next)
    {
        lock (_lock)
        {
            _events.Add(next);
            _more.TrySetResult();
            _more = New();
        }
    }

    /// <summary>The events after one, and what ends when there are more; null when there will be none.</summary>
    public (IReadOnlyList<TurnEvent> Events, Task? More) After(int number)
    {
        lock (_lock)
        {
            return (_events.Count > number ? _events[number..] : [], _events is [.., { IsLast: true }] ? null : _more.Task);
        }
    }

    public void Enter() => Interlocked.Increment(ref _readers);

    /// <summary>True for the last one out.</summary>
    public bool Leave() => Interlocked.Decrement(ref _readers) == 0;

    public Task AbandonAsync() => _work.CancelAsync();

    public void Dispose() => _work.Dispose();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
