namespace CityPulse.Api.Alerts.Domain;

/// <summary>
/// Which stored alert tells which episode of the history as it is now. Readings may come late or be corrected, so that an episode
/// is longer or shorter than it was, is two or none: the alert that people know follows it as long as there is anything left of it.
/// </summary>
internal static class Reconciliation
{
    /// <param name="episodes">In order of time, none overlapping another.</param>
    /// <param name="stored">What the alerts say now, in order of time.</param>
    /// <returns>For every stored alert its episode, or -1; and the episodes that have no alert yet.</returns>
    public static (int[] EpisodeOf, List<int> New) Match(IReadOnlyList<Episode> episodes, IReadOnlyList<Episode> stored)
    {
        var episodeOf = new int[stored.Count];
        var isTaken = new bool[episodes.Count];
        var byStart = episodes.Index().ToDictionary(e => e.Item.RaisedAt, e => e.Index);
        for (var alert = 0; alert < stored.Count; alert++)
        {
            episodeOf[alert] = byStart.TryGetValue(stored[alert].RaisedAt, out var same) && !isTaken[same] ? same : -1;
            if (episodeOf[alert] >= 0)
            {
                isTaken[episodeOf[alert]] = true;
            }
        }

        var first = 0;
        for (var alert = 0; alert < stored.Count; alert++)
        {
            while (first < episodes.Count && episodes[first].ClearedAt <= stored[alert].RaisedAt)
            {
                first++;
            }

            for (var i = first; episodeOf[alert] < 0 && i < episodes.Count && episodes[i].RaisedAt < stored[alert].ClearedAt; i++)
            {
                if (!isTaken[i])
                {
                    (episodeOf[alert], isTaken[i]) = (i, true);
                }
            }
        }

        return (episodeOf, [.. Enumerable.Range(0, episodes.Count).Where(i => !isTaken[i])]);
    }
}
