using CityPulse.Api.Alerts.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Domain;

public sealed class ReconciliationTests
{
    [Fact]
    public void The_same_beginning_is_the_same_alert() => Match([(10, 20), (30, 40)], [(30, 50), (10, 15)]).ShouldBe(([0, 1], []));

    [Fact]
    public void An_alert_follows_an_episode_that_overlaps_it()
    {
        Match([(5, 20)], [(10, 20)]).ShouldBe(([0], []));
        Match([(15, 20)], [(10, 20)]).ShouldBe(([0], []));
    }

    [Fact]
    public void An_episode_that_splits_keeps_its_alert_for_the_first_part() => Match([(10, 12), (14, 20)], [(10, 20)]).ShouldBe(([0], [1]));

    [Fact]
    public void Episodes_that_become_one_leave_an_alert_without() => Match([(10, 40)], [(10, 20), (30, 40)]).ShouldBe(([0, -1], []));

    [Fact]
    public void What_only_touches_is_another_episode() => Match([(20, 30)], [(10, 20)]).ShouldBe(([-1], [0]));

    [Fact]
    public void Nothing_stored_makes_every_episode_new() => Match([(10, 20), (30, 40)], []).ShouldBe(([], [0, 1]));

    private static (int[], int[]) Match((int From, int To)[] episodes, (int From, int To)[] stored)
    {
        var (of, fresh) = Reconciliation.Match(
            [.. episodes.Select(e => new Episode(e.From, e.To, 1, 1))],
            [.. stored.OrderBy(e => e.From).Select(e => new Episode(e.From, e.To, 1, 1))]);
        return (of, [.. fresh]);
    }
}

file static class TupleAssertions
{
    public static void ShouldBe(this (int[] Of, int[] Fresh) actual, (int[] Of, int[] Fresh) expected)
    {
        actual.Of.ShouldBe(expected.Of);
        actual.Fresh.ShouldBe(expected.Fresh);
    }
}
