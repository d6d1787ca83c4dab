using CityPulse.Api.Alerts.Domain;
using Shouldly;
using static CityPulse.Api.Alerts.Domain.AlertState;

namespace CityPulse.Tests.Api.Alerts.Domain;

public sealed class AlertLifecycleTests
{
    private static readonly bool[] Both = [false, true];

    private static readonly AlertFacts[] All =
    [
        .. from active in Both from acknowledged in Both from shelved in Both from settled in Both
           select new AlertFacts(active, acknowledged, shelved, settled),
    ];

    [Fact]
    public void The_state_follows_from_the_facts()
    {
        Facts(active: true, acknowledged: false).State.ShouldBe(Unacknowledged);
        Facts(active: true, acknowledged: true).State.ShouldBe(Acknowledged);
        Facts(active: false, acknowledged: false).State.ShouldBe(ClearedUnacknowledged);
        Facts(active: false, acknowledged: true).State.ShouldBe(Closed);
        foreach (var facts in All)
        {
            (facts with { Settled = true }).State.ShouldBe(Closed);
            (facts with { Shelved = !facts.Shelved }).State.ShouldBe(facts.State, "shelving is no state");
        }
    }

    /// <summary>The whole table: state × trigger → state, null for what cannot be.</summary>
    [Fact]
    public void Every_pair_of_state_and_trigger_is_decided()
    {
        (AlertTrigger Trigger, AlertState? FromUnacknowledged, AlertState? FromAcknowledged, AlertState? FromCleared, AlertState? FromClosed)[] table =
        [
            (AlertTrigger.Raise, null, null, Unacknowledged, Unacknowledged),
            (AlertTrigger.Clear, ClearedUnacknowledged, Closed, null, null),
            (AlertTrigger.Suppress, Closed, Closed, null, null),
            (AlertTrigger.Withdraw, Closed, Closed, Closed, Closed),
            (AlertTrigger.Retire, Closed, Closed, Closed, null),
            (AlertTrigger.Acknowledge, Acknowledged, null, Closed, null),
            (AlertTrigger.Comment, Unacknowledged, Acknowledged, ClearedUnacknowledged, Closed),
            (AlertTrigger.Shelve, Unacknowledged, Acknowledged, ClearedUnacknowledged, null),
            (AlertTrigger.Close, Closed, Closed, Closed, null),
        ];
        foreach (var (trigger, unacknowledged, acknowledged, cleared, closed) in table)
        {
            (AlertLifecycle.Next(Facts(true, false), trigger)?.State).ShouldBe(unacknowledged, $"{trigger} of unacknowledged");
            (AlertLifecycle.Next(Facts(true, true), trigger)?.State).ShouldBe(acknowledged, $"{trigger} of acknowledged");
            (AlertLifecycle.Next(Facts(false, false), trigger)?.State).ShouldBe(cleared, $"{trigger} of cleared");
            (AlertLifecycle.Next(Facts(false, true), trigger)?.State).ShouldBe(closed, $"{trigger} of closed");
        }
    }

    [Fact]
    public void Shelving_goes_across_the_states_and_ends_with_a_close()
    {
        foreach (var facts in All)
        {
            AlertLifecycle.Next(facts, AlertTrigger.Unshelve).ShouldBe(facts.Shelved ? facts with { Shelved = false } : null);
            AlertLifecycle.Next(facts, AlertTrigger.Shelve).ShouldBe(
                !facts.Shelved && facts.State != Closed ? facts with { Shelved = true } : null);
            (AlertLifecycle.Next(facts, AlertTrigger.Close)?.Shelved ?? false).ShouldBeFalse();
            if (facts.State != Closed || facts.Active)
            {
                (AlertLifecycle.Next(facts, AlertTrigger.Clear)?.Shelved).ShouldBe(facts.Active ? facts.Shelved : null);
            }
        }
    }

    [Fact]
    public void What_was_closed_by_hand_stays_closed_whatever_the_readings_do()
    {
        var closed = AlertLifecycle.Next(AlertFacts.Raised, AlertTrigger.Close)!.Value;
        var cleared = AlertLifecycle.Next(closed, AlertTrigger.Clear)!.Value;
        var back = AlertLifecycle.Next(cleared, AlertTrigger.Raise)!.Value;
        new[] { closed, cleared, back }.ShouldAllBe(f => f.State == Closed);
        AlertLifecycle.Events(closed, AlertTrigger.Clear, cleared).ShouldBeEmpty();
        AlertLifecycle.Events(cleared, AlertTrigger.Raise, back).ShouldBeEmpty();
    }

    [Fact]
    public void Coming_back_needs_a_new_acknowledgement()
    {
        var facts = Facts(active: false, acknowledged: true);
        AlertLifecycle.Next(facts, AlertTrigger.Raise).ShouldBe(AlertFacts.Raised);
    }

    [Fact]
    public void Transitions_are_told_and_closing_by_itself_is_told_as_that()
    {
        Events(AlertFacts.Raised, AlertTrigger.Clear).ShouldBe(["alert.cleared"]);
        Events(Facts(true, true), AlertTrigger.Clear).ShouldBe(["alert.cleared", "alert.closed"]);
        Events(Facts(false, false), AlertTrigger.Acknowledge).ShouldBe(["alert.acknowledged", "alert.closed"]);
        Events(AlertFacts.Raised, AlertTrigger.Close).ShouldBe(["alert.closed"]);
        Events(AlertFacts.Raised, AlertTrigger.Withdraw).ShouldBe(["alert.closed"]);
        Events(AlertFacts.Raised, AlertTrigger.Comment).ShouldBe(["alert.commented"]);
        Events(AlertFacts.Raised, AlertTrigger.Shelve).ShouldBe(["alert.shelved"]);
        Events(AlertFacts.Raised with { Shelved = true }, AlertTrigger.Unshelve).ShouldBe(["alert.raised"], "announced again");
        Events(Facts(false, false) with { Shelved = true }, AlertTrigger.Unshelve).ShouldBe(["alert.shelved"]);
    }

    private static string[] Events(AlertFacts facts, AlertTrigger trigger) =>
        [.. AlertLifecycle.Events(facts, trigger, AlertLifecycle.Next(facts, trigger)!.Value)];

    private static AlertFacts Facts(bool active, bool acknowledged) => new(active, acknowledged, Shelved: false, Settled: false);
}
