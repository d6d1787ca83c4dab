using CityPulse.Contracts;

namespace CityPulse.Realtime.Feed.Domain;

/// <summary>
/// The newest records of all organisations, for cheap replays: bounded by bytes and age, oldest out first. Everything
/// after <see cref="CompleteAfter"/> is here; what is older has to be asked for. Not thread-safe.
/// </summary>
internal sealed class RecordHistory(long maxBytes, TimeSpan maxAge)
{
    private readonly Queue<StreamRecord> _byAge = new();
    private readonly Dictionary<Guid, Log> _byOrganization = [];

    /// <summary>Every record with a greater position, of any organisation, is in the history.</summary>
    public long CompleteAfter { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Forgets everything; the records after <paramref name="position"/> follow.</summary>
    public void Restart(long position)
    {
        _byAge.Clear();
        _byOrganization.Clear();
        Bytes = 0;
        CompleteAfter = position;
    }

    /// <param name="record">The next record; positions grow.</param>
    public void Add(StreamRecord record, DateTimeOffset now)
    {
        _byAge.Enqueue(record);
        if (!_byOrganization.TryGetValue(record.OrganizationId, out var log))
        {
            _byOrganization.Add(record.OrganizationId, log = new Log());
        }

        log.Add(record);
        Bytes += SizeOf(record);
        while (_byAge.TryPeek(out var oldest) && (Bytes > maxBytes || now - oldest.At > maxAge))
        {
            Evict(_byAge.Dequeue());
        }
    }

    /// <summary>The organisation's records after a position, in order; <c>null</c> when the history does not reach back so far.</summary>
    public IReadOnlyList<StreamRecord>? After(Guid organizationId, long position, int limit)
    {
        if (position < CompleteAfter)
        {
            return null;
        }

        return _byOrganization.TryGetValue(organizationId, out var log) ? log.After(position, limit) : [];
    }

    private void Evict(StreamRecord record)
    {
        Bytes -= SizeOf(record);
        CompleteAfter = record.Position;
        var log = _byOrganization[record.OrganizationId];
        log.RemoveFirst();
        if (log.Count == 0)
        {
            _byOrganization.Remove(record.OrganizationId);
        }
    }

    /// <summary>The data, and roughly what the objects around it take.</summary>
    private static long SizeOf(StreamRecord record) => record.Data.Length + 256;

    /// <summary>One organisation's records: a list that forgets its beginning now and then.</summary>
    private sealed class Log
    {
        private readonly List<StreamRecord?> _records = [];
        private int _first;

        public int Count => _records.Count - _first;

        public void Add(StreamRecord record) => _records.Add(record);

        public void RemoveFirst()
        {
            _records[_first++] = null;
            if (_first > 64 && _first > _records.Count / 2)
            {
                _records.RemoveRange(0, _first);
                _first = 0;
            }
        }

        public IReadOnlyList<StreamRecord> After(long position, int limit)
        {
            var (low, high) = (_first, _records.Count);
            while (low < high)
            {
                var middle = low + ((high - low) / 2);
                (low, high) = _records[middle]!.Position <= position ? (middle + 1, high) : (low, middle);
            }

            return [.. _records.Skip(low).Take(limit).Select(record => record!)];
        }
    }
}
