namespace CityPulse.AiGateway.Accounting.Domain;

/// <summary>
/// What a database has taken without a wait for its disk, batch by batch in their order. It is kept until the disk has it, so that it can
/// be told again to a database that fell in between.
/// </summary>
internal sealed class Unflushed<T>
{
    private readonly Queue<(long Number, IReadOnlyList<T> Items, DateTimeOffset At)> _batches = new();

    /// <summary>The number of the last batch.</summary>
    public long Last { get; private set; }

    public int Count { get; private set; }

    public bool IsEmpty => _batches.Count == 0;

    /// <summary>Since when something waits for the disk; null when nothing does.</summary>
    public DateTimeOffset? Since => _batches.TryPeek(out var oldest) ? oldest.At : null;

    public IEnumerable<T> Items => _batches.SelectMany(b => b.Items);

    /// <returns>The batch's number.</returns>
    public long Add(IReadOnlyList<T> items, DateTimeOffset now)
    {
        Last++;
        Count += items.Count;
        _batches.Enqueue((Last, items, now));
        return Last;
    }

    /// <summary>The disk has all batches up to this one.</summary>
    /// <returns>What need not be kept any more.</returns>
    public IReadOnlyList<T> Release(long upTo)
    {
        var released = new List<T>();
        while (_batches.TryPeek(out var oldest) && oldest.Number <= upTo)
        {
            released.AddRange(oldest.Items);
            _batches.Dequeue();
        }

        Count -= released.Count;
        return released;
    }
}
