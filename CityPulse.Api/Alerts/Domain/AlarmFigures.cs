namespace CityPulse.Api.Alerts.Domain;

/// <summary>What an alert is to the statistics: whose it is, and when it was active. Times in microseconds since 1970-01-01Z.</summary>
internal readonly record struct AlarmSpan(Guid RuleId, Guid SubjectId, long RaisedAt, long ClearedAt);

/// <summary>One rule on one sensor, or building.</summary>
internal readonly record struct AlarmSource(Guid RuleId, Guid SubjectId);

internal readonly record struct SourceCount(AlarmSource Source, int Alerts);

/// <summary>
/// How well an alarm system serves its operators, after ISA-18.2 and EEMUA 191: fewer than one alert in 10 minutes is the target, more
/// than 10 are a flood; three in a minute from one source are chattering; active for a day is stale.
/// </summary>
/// <param name="Stale">Active for more than a day at the end of the period.</param>
internal sealed record AlarmFigures(
    int Alerts, double AlertsPer10Minutes, int PeakPer10Minutes, double FloodSeconds, int ChatteringAlerts,
    IReadOnlyList<SourceCount> Chattering, int Stale, IReadOnlyList<SourceCount> Top)
{
    public const int FloodPer10Minutes = 10;
    public const int ChatteringPerMinute = 3;
    private const int TopCount = 10;
    private const long Minute = 60_000_000;
    private const long Block = 10 * Minute;
    private const long Day = 24 * 60 * Minute;

    /// <param name="alerts">Those active at any time of <c>[from, to)</c>; only what is raised in it counts as an alert of the period.</param>
    public static AlarmFigures Of(IEnumerable<AlarmSpan> alerts, long from, long to)
    {
        var all = alerts.ToList();
        var raised = all.Where(a => a.RaisedAt >= from && a.RaisedAt < to).OrderBy(a => a.RaisedAt).ToList();
        var blocks = raised.GroupBy(a => Math.DivRem(a.RaisedAt - from, Block).Quotient).Select(g => g.Count()).ToList();
        var sources = raised.GroupBy(a => new AlarmSource(a.RuleId, a.SubjectId)).ToList();
        var chattering = sources
            .Select(g => new SourceCount(g.Key, CountChattering([.. g.Select(a => a.RaisedAt)])))
            .Where(c => c.Alerts > 0).OrderByDescending(c => c.Alerts).ThenBy(c => c.Source.SubjectId).ToList();
        return new AlarmFigures(
            raised.Count,
            raised.Count * (double)Block / Math.Max(to - from, 1),
            blocks.DefaultIfEmpty().Max(),
            blocks.Count(count => count > FloodPer10Minutes) * (Block / 1e6),
            chattering.Sum(c => c.Alerts),
            chattering,
            all.Count(a => a.RaisedAt < to - Day && a.ClearedAt >= to),
            [.. sources.Select(g => new SourceCount(g.Key, g.Count())).OrderByDescending(c => c.Alerts).ThenBy(c => c.Source.SubjectId).Take(TopCount)]);
    }

    /// <summary>How many of these belong to three or more within a minute.</summary>
    internal static int CountChattering(IReadOnlyList<long> raisedAt)
    {
        var until = -1;
        var count = 0;
        for (var i = 0; i + ChatteringPerMinute <= raisedAt.Count; i++)
        {
            var last = i + ChatteringPerMinute - 1;
            if (raisedAt[last] - raisedAt[i] < Minute)
            {
                count += last - Math.Max(until, i - 1);
                until = last;
            }
        }

        return count;
    }
}
