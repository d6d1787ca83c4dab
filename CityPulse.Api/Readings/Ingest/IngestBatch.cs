using System.Buffers;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>One row as it was sent; its place in the batch is its <c>index</c>.</summary>
internal struct IngestRow
{
    public long AtMicroseconds;
    public double Value;
    /// <summary>Number of the sensor's name in <see cref="IngestBatch.Names"/>.</summary>
    public int Name;
    public ReadingQuality Quality;
    public RowFault Fault;
    /// <summary>Number of the unit that the row names, in <see cref="IngestBatch.Units"/>; 0 is the sensor's own.</summary>
    public byte Unit;
}

/// <summary>The rows of one call, in order, bad ones included. Nothing is allocated a row.</summary>
internal sealed class IngestBatch(long nowMicroseconds) : IDisposable
{
    private static readonly long EarliestMicroseconds = Timestamp.FromDateTimeOffset(IngestLimits.Earliest);
    private readonly long _latest = nowMicroseconds + (long)IngestLimits.MaxAhead.TotalMicroseconds;
    private readonly Dictionary<int, string> _details = [];
    private IngestRow[] _rows = ArrayPool<IngestRow>.Shared.Rent(1024);

    public SensorNames Names { get; } = new();

    /// <summary>When the call came, in microseconds since 1970-01-01Z.</summary>
    public long NowMicroseconds => nowMicroseconds;

    /// <summary>UCUM codes of the units that rows name; the first is no unit.</summary>
    public List<string> Units { get; } = [""];

    /// <summary>The buildings whose sensors the sender may write; null: all of the organisation's.</summary>
    public IReadOnlySet<Guid>? Buildings { get; init; }

    public int Count { get; private set; }

    /// <summary>Of the rows that are good by themselves; null when there is none.</summary>
    public long? NewestMicroseconds { get; private set; }

    public bool IsFull => Count == IngestLimits.MaxRows;

    public Span<IngestRow> Rows => _rows.AsSpan(0, Count);

    /// <summary>What the parser had to say about a row that it found bad; only the first ones are kept.</summary>
    public string? DetailOf(int index) => _details.GetValueOrDefault(index);

    /// <summary>Whether a fault's detail would still be told: if not, it need not be put into words.</summary>
    public bool WantsDetail => _details.Count < IngestLimits.MaxErrors;

    public void Add(in IngestRow row, string? detail = null)
    {
        if (Count == _rows.Length)
        {
            var larger = ArrayPool<IngestRow>.Shared.Rent(_rows.Length * 2);
            Rows.CopyTo(larger);
            ArrayPool<IngestRow>.Shared.Return(_rows);
            _rows = larger;
        }

        ref var stored = ref _rows[Count];
        stored = row;
        if (row.Fault == RowFault.None)
        {
            stored.Fault = row.AtMicroseconds > _latest ? RowFault.InFuture
                : row.AtMicroseconds < EarliestMicroseconds ? RowFault.TooOld
                : double.IsFinite(row.Value) ? RowFault.None
                : RowFault.NotFinite;
        }
        else if (detail is not null && WantsDetail)
        {
            _details[Count] = detail;
        }

        if (stored.Fault == RowFault.None && !(row.AtMicroseconds <= NewestMicroseconds))
        {
            NewestMicroseconds = row.AtMicroseconds;
        }

        Count++;
    }

    /// <summary>What was found out about a row only after the parser had it.</summary>
    public void SetFault(int index, RowFault fault, string detail)
    {
        _rows[index].Fault = fault;
        if (WantsDetail || _details.ContainsKey(index))
        {
            _details[index] = detail;
        }
    }

    public void Dispose()
    {
        ArrayPool<IngestRow>.Shared.Return(_rows);
        _rows = [];
        Names.Dispose();
    }
}
