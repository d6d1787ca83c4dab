using CityPulse.Api.Presence.Domain;
using CityPulse.Contracts;
using Shouldly;

namespace CityPulse.Tests.Api.Presence.Domain;

public sealed class PresenceLedgerTests
{
    private static readonly Guid City = Guid.CreateVersion7();
    private static readonly PresentPerson Ada = new(City, Guid.CreateVersion7(), null);
    private static readonly PresentPerson Grace = new(City, Guid.CreateVersion7(), Frontend.FlowMind);
    private readonly PresenceLedger _ledger = new();

    [Fact]
    public void What_is_new_is_told_once()
    {
        Tell(("a", [Ada], 0)).ShouldBe([Ada]);
        Tell(("a", [Ada], 0)).ShouldBeNull();
    }

    [Fact]
    public void A_person_at_two_replicas_is_there_once_until_both_are_left()
    {
        Tell(("a", [Ada], 0), ("b", [Ada, Grace], 0)).ShouldBe([Ada, Grace], ignoreOrder: true);
        Tell(("b", [Ada, Grace], 0)).ShouldBeNull();
        Tell(("b", [Grace], 0)).ShouldBe([Grace]);
    }

    [Fact]
    public void The_last_to_leave_is_told_of_and_then_nothing_more()
    {
        Tell(("a", [Ada], 0));
        Tell(("a", [], 0)).ShouldBe([]);
        Tell().ShouldBeNull();
    }

    [Fact]
    public void Who_asks_is_told_even_though_nothing_changed()
    {
        Tell(("a", [Ada], 1));
        Tell(("a", [Ada], 2)).ShouldBe([Ada]);
        Tell(("a", [Ada], 2)).ShouldBeNull();
        Tell(("a", [Ada], 2), ("b", [Ada], 1)).ShouldBe([Ada]);
    }

    [Fact]
    public void What_was_judged_and_not_told_is_judged_again()
    {
        var reports = Reports(("a", [Ada], 0));
        _ledger.Judge(reports).ShouldHaveSingleItem();
        _ledger.Judge(reports).ShouldHaveSingleItem();
    }

    private IReadOnlyCollection<PresentPerson>? Tell(params (string Replica, PresentPerson[] Online, long Asked)[] reports)
    {
        var all = Reports(reports);
        if (_ledger.Judge(all) is not [var due])
        {
            return null;
        }

        _ledger.Told(due.OrganizationId, due.Online, all);
        return due.Online;
    }

    private static Dictionary<string, PresenceReport> Reports(params (string Replica, PresentPerson[] Online, long Asked)[] reports) =>
        reports.ToDictionary(r => r.Replica, r => new PresenceReport(r.Online, r.Asked == 0 ? [] : new Dictionary<Guid, long> { [City] = r.Asked }));
}
