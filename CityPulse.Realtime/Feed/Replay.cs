using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// Brings one connection from an id that it has to the present, record by record and at its own pace, and leaves it live:
/// from memory where memory reaches back far enough, else from the outbox. Live events wait meanwhile in neither queue
/// nor buffer; the replay meets them in the history.
/// </summary>
internal sealed class Replay(
    Broadcaster broadcaster, StreamHistory stream, FeedMetrics metrics, FeedConnection connection, IReadOnlyCollection<Topic> topics, EventId since)
{
    private readonly ReplayPlan _plan = broadcaster.BeginReplay(connection, topics, since);
    private EventId _cursor = EventId.None;

    private Guid Organization => connection.Caller.OrganizationId;

    /// <summary>The place up to which every record was looked at. A record that the client may have in part is looked at again.</summary>
    private long Through => _cursor.Index == EventId.MaxIndex ? _cursor.Position : _cursor.Position - 1;

    /// <summary>Runs to the present. Returns the newest id when live events began, or <c>null</c> when events after <c>since</c> are gone.</summary>
    public async Task<EventId?> RunAsync(CancellationToken cancel)
    {
        // No record has place 0, so an id there is one of before the first.
        _cursor = since.Position == 0 ? new EventId(0, EventId.MaxIndex) : since;
        connection.Flush();
        // An id from the future of this replica is one that another replica gave, or none: only the outbox can tell.
        var askStream = since.Position > broadcaster.Last;
        while (true)
        {
            var asked = broadcaster.Last;
            var records = askStream ? null : broadcaster.Recent(Organization, Through, StreamHistory.PageSize);
            if (records is null)
            {
                var page = await stream.ReadAsync(Through, Organization, cancel);
                if (Resume.HasGap(_cursor, page.Oldest, page.Newest))
                {
                    return null;
                }

                records = page.Records;
                askStream = false;
            }

            foreach (var record in records)
            {
                await TellAsync(record, cancel);
                _cursor = new EventId(record.Position, EventId.MaxIndex);
            }

            // Whatever was known here before the page was asked for is in it, or is another organisation's.
            if (records.Count < StreamHistory.PageSize && asked > _cursor.Position)
            {
                _cursor = new EventId(asked, EventId.MaxIndex);
            }

            await connection.SendHeldAsync(cancel);
            if (broadcaster.TryEndReplay(connection, topics, since, Through, out var newest))
            {
                return newest;
            }
        }
    }

    /// <summary>Ends it early: what the connection followed before goes on, with what it missed meanwhile.</summary>
    public async Task AbandonAsync()
    {
        connection.Flush();
        if (!broadcaster.TryAbandonReplay(connection, Math.Max(_plan.BeganAt, Through)))
        {
            await connection.CloseAsync(FeedClose.Gap);
        }
    }

    private async Task TellAsync(StreamRecord record, CancellationToken cancel)
    {
        var told = 0;
        foreach (var feedEvent in broadcaster.EventsOf(record, _plan.Owed.ContainsKey))
        {
            if (_plan.Owed[feedEvent.Topic].Includes(feedEvent.Id))
            {
                cancel.ThrowIfCancellationRequested();
                await connection.SendAsync(feedEvent, cancel);
                told++;
            }
        }

        metrics.Delivered(told);
    }
}
