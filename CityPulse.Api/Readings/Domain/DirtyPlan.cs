namespace CityPulse.Api.Readings.Domain;

/// <summary>A dirty time of one sensor: full hours, in microseconds since 1970-01-01Z.</summary>
internal readonly record struct DirtySpan(int SensorKey, long From, long To);

/// <summary>What a step of the worker makes anew, and what it leaves for the next.</summary>
internal sealed class DirtyPlan
{
    public List<DirtySpan> Now { get; } = [];

    public List<DirtySpan> Later { get; } = [];

    /// <summary>
    /// Merges what overlaps or touches and takes about <paramref name="readings"/> of it, oldest first of each sensor, at least an hour.
    /// </summary>
    /// <param name="intervals">Seconds between two readings of each sensor.</param>
    public static DirtyPlan Of(IEnumerable<DirtySpan> dirty, IReadOnlyDictionary<int, int> intervals, int readings)
    {
        var plan = new DirtyPlan();
        var left = (double)readings;
        foreach (var span in Merge(dirty))
        {
            var interval = Math.Max(1, intervals[span.SensorKey]) * 1e6;
            var hours = (span.To - span.From) / RollupGrid.Hour;
            var take = Math.Min(hours, Math.Max(plan.Now.Count == 0 ? 1 : 0, (long)(left * interval / RollupGrid.Hour)));
            var cut = span.From + (take * RollupGrid.Hour);
            if (take > 0)
            {
                plan.Now.Add(span with { To = cut });
                // A span that holds next to nothing is still a look into the index.
                left -= ((cut - span.From) / interval) + 1;
            }

            if (take < hours)
            {
                plan.Later.Add(span with { From = cut });
            }
        }

        return plan;
    }

    private static IEnumerable<DirtySpan> Merge(IEnumerable<DirtySpan> dirty)
    {
        DirtySpan? open = null;
        foreach (var span in dirty.OrderBy(s => s.SensorKey).ThenBy(s => s.From))
        {
            if (open is { } before && before.SensorKey == span.SensorKey && span.From <= before.To)
            {
                open = before with { To = Math.Max(before.To, span.To) };
                continue;
            }

            if (open is { } finished)
            {
                yield return finished;
            }

            open = span;
        }

        if (open is { } last)
        {
            yield return last;
        }
    }
}
