namespace CityPulse.Realtime.Feed.Domain;

/// <summary>
/// Which events a replay still owes to one topic of a connection: those after the id the client gave, except the ones
/// that this connection has had already.
/// </summary>
/// <param name="Since">The client has everything up to here.</param>
/// <param name="HadFrom">The connection followed the topic after this id …</param>
/// <param name="HadThrough">… up to this one. Not after <paramref name="HadFrom"/> when it did not.</param>
internal readonly record struct Owed(EventId Since, EventId HadFrom, EventId HadThrough)
{
    public bool Includes(EventId id) => id > Since && !(id > HadFrom && id <= HadThrough);
}

internal static class Resume
{
    /// <summary>
    /// Whether events after <paramref name="since"/> may be gone: its record is no longer kept, or it is an id that this
    /// stream has not given.
    /// </summary>
    /// <param name="oldest">Oldest position kept; 0 when nothing is.</param>
    /// <param name="newest">Newest position assigned.</param>
    public static bool HasGap(EventId since, long oldest, long newest)
    {
        // A record can tell several topics: only an id at its very end leaves nothing of it to be told.
        var next = since.Index == EventId.MaxIndex ? since.Position + 1 : since.Position;
        return since.Position > newest || next < (oldest > 0 ? oldest : newest + 1);
    }
}
