namespace CityPulse.Api.Alerts.Domain;

internal enum AlertSeverity
{
    Info,
    Warning,
    Critical,
}

/// <summary>What an alert is to a person who looks at it (ISA-18.2). It follows from the facts, see <see cref="AlertFacts.State"/>.</summary>
internal enum AlertState
{
    Unacknowledged,
    Acknowledged,
    ClearedUnacknowledged,
    Closed,
}

/// <summary>What can happen to an alert; by the readings, by a person or by the system.</summary>
internal enum AlertTrigger
{
    /// <summary>The condition holds, or holds again after corrected readings.</summary>
    Raise,
    /// <summary>The readings are back to normal.</summary>
    Clear,
    /// <summary>The readings that raised it have been corrected: there was no such episode.</summary>
    Withdraw,
    /// <summary>Another alert explains this one.</summary>
    Suppress,
    /// <summary>Its rule, sensor or building is no longer there or no longer judged so.</summary>
    Retire,
    Acknowledge,
    Comment,
    Shelve,
    /// <summary>By a person, or by the end of the time.</summary>
    Unshelve,
    Close,
}

/// <summary>The orthogonal facts about an alert, from which its state is derived.</summary>
/// <param name="Active">The condition holds.</param>
/// <param name="Acknowledged">Somebody has seen it since it last became active.</param>
/// <param name="Shelved">Silenced by a person for a time.</param>
/// <param name="Settled">Closed whatever the readings say from here on: by a person, or because it is judged no more.</param>
internal readonly record struct AlertFacts(bool Active, bool Acknowledged, bool Shelved, bool Settled)
{
    /// <summary>A new alert.</summary>
    public static readonly AlertFacts Raised = new(Active: true, Acknowledged: false, Shelved: false, Settled: false);

    public AlertState State => (Settled, Active, Acknowledged) switch
    {
        (true, _, _) or (false, false, true) => AlertState.Closed,
        (false, true, false) => AlertState.Unacknowledged,
        (false, true, true) => AlertState.Acknowledged,
        (false, false, false) => AlertState.ClearedUnacknowledged,
    };
}

/// <summary>The one table of what may follow what.</summary>
internal static class AlertLifecycle
{
    /// <returns>The facts afterwards, or null where the trigger means nothing in these.</returns>
    public static AlertFacts? Next(AlertFacts facts, AlertTrigger trigger) => (trigger, facts.State, facts) switch
    {
        // Readings go on being followed in an alert that was closed by hand, so that its end is known; it stays closed.
        (AlertTrigger.Raise, _, { Active: false, Settled: true }) => facts with { Active = true },
        // Coming back needs a new acknowledgement.
        (AlertTrigger.Raise, _, { Active: false }) => facts with { Active = true, Acknowledged = false },
        (AlertTrigger.Clear, _, { Active: true }) => facts with { Active = false },
        (AlertTrigger.Suppress, _, { Active: true }) => facts with { Active = false, Acknowledged = true },
        (AlertTrigger.Withdraw, _, _) => facts with { Active = false, Settled = true, Shelved = false },
        (AlertTrigger.Retire, not AlertState.Closed, _) => facts with { Active = false, Settled = true, Shelved = false },

        (AlertTrigger.Acknowledge, AlertState.Unacknowledged or AlertState.ClearedUnacknowledged, _) => facts with { Acknowledged = true },
        (AlertTrigger.Comment, _, _) => facts,
        (AlertTrigger.Shelve, not AlertState.Closed, { Shelved: false }) => facts with { Shelved = true },
        (AlertTrigger.Unshelve, _, { Shelved: true }) => facts with { Shelved = false },
        (AlertTrigger.Close, not AlertState.Closed, _) => facts with { Settled = true, Shelved = false },
        _ => null,
    };

    /// <summary>
    /// The events that a transition is told by. What closes by itself (acknowledged and back to normal, in either order) is told as
    /// that too; what is taken out of its shelf while active is announced again.
    /// </summary>
    public static IEnumerable<string> Events(AlertFacts before, AlertTrigger trigger, AlertFacts after)
    {
        var first = trigger switch
        {
            AlertTrigger.Raise when after.State != AlertState.Closed => "alert.raised",
            AlertTrigger.Clear when before.State != AlertState.Closed => "alert.cleared",
            AlertTrigger.Acknowledge => "alert.acknowledged",
            AlertTrigger.Comment => "alert.commented",
            AlertTrigger.Shelve => "alert.shelved",
            AlertTrigger.Unshelve => after is { Active: true, Settled: false } ? "alert.raised" : "alert.shelved",
            _ => null,
        };
        if (first is not null)
        {
            yield return first;
        }

        if (before.State != AlertState.Closed && after.State == AlertState.Closed)
        {
            yield return "alert.closed";
        }
    }
}
