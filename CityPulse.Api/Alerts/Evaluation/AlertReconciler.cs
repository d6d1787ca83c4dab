using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Readings.Ingest;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>Makes the stored alerts of one rule on one subject say what its episodes say.</summary>
internal sealed class AlertReconciler(CityDb db, AlertJournal journal, TimeProvider clock)
{
    /// <summary>Every alert of these subjects that an episode after <paramref name="after"/> can belong to, locked against people's changes.</summary>
    public Task<List<Alert>> LoadAsync(Guid[] subjects, long after, CancellationToken cancellationToken)
    {
        var from = after == long.MinValue ? DateTimeOffset.MinValue : Timestamp.ToDateTimeOffset(after);
        return db.Set<Alert>()
            .FromSql($"""
                SELECT * FROM alerts
                WHERE subject_id = ANY ({subjects}) AND coalesce(cleared_at, 'infinity') > {from} AND NOT is_detached AND organization_id = {db.OrganizationId}
                ORDER BY id FOR UPDATE
                """)
            .ToListAsync(cancellationToken);
    }

    /// <param name="episodes">Those that ended after <paramref name="after"/> or last, in order.</param>
    /// <param name="alerts">The subject's, of any rule.</param>
    /// <returns>From when on something is told otherwise than before; <see cref="Signal.Never"/> if nothing is.</returns>
    public async Task<long> ReconcileAsync(
        JudgedRule rule, Subject subject, IReadOnlyList<Episode> episodes, IEnumerable<Alert> alerts, long after, CancellationToken cancellationToken)
    {
        var stored = alerts
            .Where(a => a.RuleId == rule.Id && a.Revision == rule.Revision && a.SubjectId == subject.Id && ClearedAt(a) > after)
            .OrderBy(a => a.RaisedAt).ToList();
        if (stored.Count == 0 && episodes.Count == 0)
        {
            return Signal.Never;
        }

        var (episodeOf, fresh) = Reconciliation.Match(episodes, [.. stored.Select(a => new Episode(RaisedAt(a), ClearedAt(a), a.Value, a.Occurrences))]);
        var changedFrom = Signal.Never;
        for (var i = 0; i < stored.Count; i++)
        {
            changedFrom = Math.Min(changedFrom, episodeOf[i] < 0 ? Withdraw(stored[i]) : Follow(rule, subject, stored[i], episodes[episodeOf[i]]));
        }

        foreach (var episode in fresh.Select(i => episodes[i]))
        {
            await RaiseAsync(rule, subject, episode, cancellationToken);
            changedFrom = Math.Min(changedFrom, episode.RaisedAt);
        }

        return changedFrom;
    }

    /// <summary>Closes what is open of a rule that judges the subject no more.</summary>
    public async Task RetireAsync(Guid subject, Guid ruleId, string why, CancellationToken cancellationToken)
    {
        foreach (var alert in (await LoadAsync([subject], long.MinValue, cancellationToken)).Where(a => a.RuleId == ruleId))
        {
            if (!journal.TryApply(alert, AlertTrigger.Retire, clock.GetUtcNow(), comment: why))
            {
                alert.IsDetached = true;
            }
        }
    }

    private long Withdraw(Alert alert)
    {
        var from = RaisedAt(alert);
        journal.TryApply(alert, AlertTrigger.Withdraw, clock.GetUtcNow(), comment: "Corrected readings no longer show it.");
        return from;
    }

    private long Follow(JudgedRule rule, Subject subject, Alert alert, Episode episode)
    {
        var before = new Episode(RaisedAt(alert), ClearedAt(alert), alert.Value, alert.Occurrences);
        alert.Occurrences = episode.Occurrences;
        if (before.RaisedAt != episode.RaisedAt || before.Value != episode.Value)
        {
            alert.RaisedAt = Timestamp.ToDateTimeOffset(episode.RaisedAt);
            alert.Value = episode.Value;
            alert.Message = Message(rule, subject, episode);
            journal.Correct(alert, "Late or corrected readings show another beginning.");
        }

        if (before.IsOver && !episode.IsOver)
        {
            journal.TryApply(alert, AlertTrigger.Raise, alert.RaisedAt, comment: "Late or corrected readings show that it lasts.");
        }
        else if (!before.IsOver && episode.IsOver)
        {
            Clear(alert, episode);
        }
        else if (before.ClearedAt != episode.ClearedAt)
        {
            alert.ClearedAt = Timestamp.ToDateTimeOffset(episode.ClearedAt);
            journal.Correct(alert, "Late or corrected readings show another end.");
        }

        return before.RaisedAt != episode.RaisedAt ? Math.Min(before.RaisedAt, episode.RaisedAt)
            : before.ClearedAt != episode.ClearedAt ? Math.Min(before.ClearedAt, episode.ClearedAt)
            : Signal.Never;
    }

    private async Task RaiseAsync(JudgedRule rule, Subject subject, Episode episode, CancellationToken cancellationToken)
    {
        var alert = new Alert
        {
            OrganizationId = db.OrganizationId,
            RuleId = rule.Id,
            Revision = rule.Revision,
            SubjectId = subject.Id,
            SensorId = subject.SensorId,
            BuildingId = subject.BuildingId,
            Severity = rule.Rule.Severity,
            Threshold = rule.Condition.Limit,
            Value = episode.Value,
            Message = Message(rule, subject, episode),
            RaisedAt = Timestamp.ToDateTimeOffset(episode.RaisedAt),
            Occurrences = episode.Occurrences,
        };
        journal.Add(alert);
        if (episode.IsOver)
        {
            Clear(alert, episode);
            return;
        }

        // A person has silenced this alarm for a time; its coming back does not end that.
        var now = clock.GetUtcNow();
        if (await db.Set<Alert>()
            .Where(a => a.SubjectId == subject.Id && a.RuleId == rule.Id && a.ShelvedUntil > now)
            .MaxAsync(a => a.ShelvedUntil, cancellationToken) is { } until)
        {
            journal.TryApply(alert, AlertTrigger.Shelve, now, comment: "It is still shelved from before.", shelvedUntil: until);
        }
    }

    private void Clear(Alert alert, Episode episode) => journal.TryApply(
        alert, episode.Suppressed ? AlertTrigger.Suppress : AlertTrigger.Clear, Timestamp.ToDateTimeOffset(episode.ClearedAt),
        comment: episode.Suppressed ? "The building as a whole is silent; that is an alert of its own." : null);

    private static string Message(JudgedRule rule, Subject subject, Episode episode) =>
        rule.Rule.Message ?? ConditionChecks.Describe(rule.Condition, subject.Name, subject.Unit, episode.Value);

    private static long RaisedAt(Alert alert) => Timestamp.FromDateTimeOffset(alert.RaisedAt);

    private static long ClearedAt(Alert alert) => alert.ClearedAt is { } at ? Timestamp.FromDateTimeOffset(at) : Signal.Never;
}
