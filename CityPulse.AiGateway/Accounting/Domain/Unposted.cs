namespace CityPulse.AiGateway.Accounting.Domain;

/// <summary>A row of the journal and the calls in it.</summary>
/// <param name="Number">Rises from row to row of a replica.</param>
internal sealed record JournalRow<T>(long Number, Guid OrganizationId, IReadOnlyList<T> Calls, DateTimeOffset At);

/// <summary>
/// Rows that the journal has, or may have, and that are not posted yet. They are kept here so that they can be told again where the
/// database fell before its disk had them.
/// </summary>
internal sealed class Unposted<T>
{
    private readonly List<JournalRow<T>> _rows = [];

    /// <summary>The number of the last row that there was.</summary>
    public long Last { get; private set; }

    /// <summary>How many calls there are in all rows.</summary>
    public int Count { get; private set; }

    public bool IsEmpty => _rows.Count == 0;

    /// <summary>Since when the oldest row waits; null when there is none.</summary>
    public DateTimeOffset? Since => _rows is [var oldest, ..] ? oldest.At : null;

    public JournalRow<T> Add(Guid organizationId, IReadOnlyList<T> calls, DateTimeOffset now)
    {
        var row = new JournalRow<T>(++Last, organizationId, calls, now);
        Count += calls.Count;
        _rows.Add(row);
        return row;
    }

    /// <summary>The rows up to this number, in their order.</summary>
    public IReadOnlyList<JournalRow<T>> UpTo(long number) => [.. _rows.TakeWhile(r => r.Number <= number)];

    /// <summary>The calls of a row were refused, and the journal does not have it.</summary>
    public void Void(long number)
    {
        var at = _rows.FindIndex(r => r.Number == number);
        if (at >= 0)
        {
            Count -= _rows[at].Calls.Count;
            _rows[at] = _rows[at] with { Calls = [] };
        }
    }

    /// <summary>All rows up to this number are posted, on the disk.</summary>
    public void Release(long number)
    {
        var posted = UpTo(number);
        Count -= posted.Sum(r => r.Calls.Count);
        _rows.RemoveRange(0, posted.Count);
    }
}
