using CityPulse.Contracts;

namespace CityPulse.Realtime.Feed.Domain;

internal enum Arrival
{
    /// <summary>The very next record.</summary>
    Next,
    /// <summary>Known already.</summary>
    Repeated,
    /// <summary>Records before it have not arrived: they have to be fetched.</summary>
    AfterMissed,
}

internal enum CatchUp
{
    /// <summary>Nothing between what is known and what the page brings.</summary>
    Complete,
    /// <summary>Records after what is known have been forgotten at the source.</summary>
    HistoryLost,
    /// <summary>The source is behind what is known: it was reset or restored.</summary>
    SourceReset,
}

/// <summary>Judges whether what arrives joins what is known. Redis may repeat, reorder and lose; the outbox never does.</summary>
internal static class StreamOrder
{
    public static Arrival Judge(long last, StreamRecord record) =>
        record.Position <= last ? Arrival.Repeated
        : record.Previous > last ? Arrival.AfterMissed
        : Arrival.Next;

    /// <param name="last">Newest position known when the page was asked for.</param>
    /// <param name="newest">Newest position that the source has assigned.</param>
    /// <param name="first">First record of the page, if any.</param>
    public static CatchUp Judge(long last, long newest, StreamRecord? first)
    {
        if (newest < last)
        {
            return CatchUp.SourceReset;
        }

        // The first record itself says what came before it: positions may have holes, a hole is no loss.
        var lost = first is null ? newest > last : first.Previous > last;
        return lost ? CatchUp.HistoryLost : CatchUp.Complete;
    }
}
