namespace CityPulse.Api.Alerts.Domain;

/// <summary>Half-open, in microseconds since 1970-01-01Z.</summary>
internal readonly record struct TimeSlot(long From, long To);

/// <summary>Takes out of a rule's episodes what shall not be told.</summary>
internal static class Silencing
{
    /// <param name="episodes">In order of time, none overlapping another.</param>
    /// <param name="maintenance">Nothing begins within these; what still lasts at their end begins there.</param>
    /// <param name="explained">Times that another alert explains. Like maintenance, and what lasts at their beginning ends there.</param>
    public static List<Episode> Apply(IEnumerable<Episode> episodes, IReadOnlyCollection<TimeSlot> maintenance, IReadOnlyCollection<TimeSlot> explained)
    {
        var told = new List<Episode>();
        var cuts = explained.OrderBy(s => s.From).ToArray();
        foreach (var episode in episodes)
        {
            if (Delay(episode, [.. maintenance, .. explained]) is not { } rest)
            {
                continue;
            }

            foreach (var cut in cuts.Where(c => c.From > rest.RaisedAt && c.From < rest.ClearedAt))
            {
                if (cut.From > rest.RaisedAt)
                {
                    told.Add(rest with { ClearedAt = cut.From, Suppressed = true });
                }

                if (cut.To >= episode.ClearedAt || Delay(episode with { RaisedAt = cut.To }, [.. maintenance, .. explained]) is not { } after)
                {
                    rest = rest with { RaisedAt = Signal.Never };
                    break;
                }

                rest = after;
            }

            if (rest.RaisedAt != Signal.Never)
            {
                told.Add(rest);
            }
        }

        return told;
    }

    /// <summary>The episode from the end of the slots on in which it begins.</summary>
    private static Episode? Delay(Episode episode, IReadOnlyCollection<TimeSlot> slots)
    {
        bool moved;
        do
        {
            moved = false;
            foreach (var slot in slots)
            {
                if (slot.From <= episode.RaisedAt && episode.RaisedAt < slot.To)
                {
                    if (slot.To >= episode.ClearedAt)
                    {
                        return null;
                    }

                    episode = episode with { RaisedAt = slot.To };
                    moved = true;
                }
            }
        }
        while (moved);
        return episode;
    }
}
