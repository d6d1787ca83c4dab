using CityPulse.Api.Alerts.Channels;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Events;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Contracts;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Alerts;

/// <summary>
/// The one way in which alerts change: by a transition of <see cref="AlertLifecycle"/>, with a line in the history and events in the
/// outbox and for the channels, all in the caller's transaction.
/// </summary>
internal sealed class AlertJournal(
    CityDb db, Outbox outbox, OutboxSignal signal, DeliveryQueue deliveries, DeliverySignal deliverySignal, AlertMetrics metrics, TimeProvider clock)
{
    private readonly List<(Alert Alert, string Type)> _events = [];

    /// <summary>Adds a new alert.</summary>
    public void Add(Alert alert)
    {
        db.Add(alert);
        Note(alert, "raised", alert.RaisedAt);
        _events.Add((alert, "alert.raised"));
        metrics.Raised(alert.Severity);
    }

    /// <returns>False where the transition is impossible; nothing has changed then.</returns>
    public bool TryApply(Alert alert, AlertTrigger trigger, DateTimeOffset at, Guid? by = null, string? comment = null, DateTimeOffset? shelvedUntil = null)
    {
        var before = alert.Facts;
        if (AlertLifecycle.Next(before, trigger) is not { } after)
        {
            return false;
        }

        // Whole microseconds, as the database keeps them: what an answer shows now is what it shows later.
        at = Timestamp.ToDateTimeOffset(Timestamp.FromDateTimeOffset(at));
        if (trigger == AlertTrigger.Shelve && shelvedUntil is { } until)
        {
            alert.ShelvedUntil = Timestamp.ToDateTimeOffset(Timestamp.FromDateTimeOffset(until));
        }

        alert.Facts = after;
        switch (trigger)
        {
            case AlertTrigger.Raise:
                (alert.ClearedAt, alert.ClosedAt) = (null, after.State == AlertState.Closed ? alert.ClosedAt : null);
                (alert.AcknowledgedAt, alert.AcknowledgedBy) = after.Acknowledged ? (alert.AcknowledgedAt, alert.AcknowledgedBy) : (null, null);
                break;
            case AlertTrigger.Clear or AlertTrigger.Suppress:
                alert.ClearedAt = at;
                break;
            case AlertTrigger.Withdraw or AlertTrigger.Retire:
                alert.IsDetached = true;
                alert.IsWithdrawn = trigger == AlertTrigger.Withdraw;
                break;
            case AlertTrigger.Acknowledge:
                (alert.AcknowledgedAt, alert.AcknowledgedBy) = (at, by);
                break;
        }

        if (after.State == AlertState.Closed && before.State != AlertState.Closed)
        {
            alert.ClosedAt = at;
        }

        Touch(alert);
        Note(alert, ActionOf(trigger), at, by, comment);
        _events.AddRange(AlertLifecycle.Events(before, trigger, after).Select(type => (alert, type)));
        return true;
    }

    /// <summary>Corrected readings show the same episode otherwise. No event: nothing has happened but that it is known better.</summary>
    public void Correct(Alert alert, string comment)
    {
        Touch(alert);
        Note(alert, "corrected", alert.RaisedAt, comment: comment);
    }

    /// <summary>Saves what has changed, and then the events, which show it as it was saved.</summary>
    /// <returns>Whether there was anything.</returns>
    public async Task<bool> SaveAsync(CancellationToken cancellationToken)
    {
        if (!db.ChangeTracker.HasChanges())
        {
            return false;
        }

        await db.SaveChangesAsync(cancellationToken);
        foreach (var (alert, type) in _events)
        {
            outbox.Append(db, alert.OrganizationId, type, [Topics.Alerts, Topics.BuildingAlerts(alert.BuildingId)], AlertQueries.Shape(alert));
        }

        await deliveries.AddAsync(_events, cancellationToken);
        _events.Clear();
        await db.SaveChangesAsync(cancellationToken);
        return true;
    }

    /// <summary>Forgets what a transaction that failed has left.</summary>
    public void Reset() => _events.Clear();

    /// <summary>After the commit.</summary>
    public void Ring()
    {
        signal.Ring();
        deliverySignal.Ring();
    }

    // A comment changes nothing of the alert itself but must still give it a new version.
    private void Touch(Alert alert)
    {
        var entry = db.Entry(alert);
        if (entry.State == EntityState.Unchanged)
        {
            entry.State = EntityState.Modified;
        }
    }

    private void Note(Alert alert, string action, DateTimeOffset at, Guid? by = null, string? comment = null) => db.Add(new AlertEntry
    {
        OrganizationId = db.OrganizationId,
        AlertId = alert.Id,
        At = at,
        RecordedAt = clock.GetUtcNow(),
        Action = action,
        State = alert.State,
        ByUser = by,
        Comment = comment,
    });

    private static string ActionOf(AlertTrigger trigger) => trigger switch
    {
        AlertTrigger.Raise => "raised",
        AlertTrigger.Clear => "cleared",
        AlertTrigger.Withdraw => "withdrawn",
        AlertTrigger.Suppress => "suppressed",
        AlertTrigger.Retire => "retired",
        AlertTrigger.Acknowledge => "acknowledged",
        AlertTrigger.Comment => "commented",
        AlertTrigger.Shelve => "shelved",
        AlertTrigger.Unshelve => "unshelved",
        AlertTrigger.Close => "closed",
        _ => throw new ArgumentOutOfRangeException(nameof(trigger), trigger, "There is no such trigger."),
    };
}
