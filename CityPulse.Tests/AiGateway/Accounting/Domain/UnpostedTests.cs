using CityPulse.AiGateway.Accounting.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Accounting.Domain;

public sealed class UnpostedTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 1, 10, 0, 0, TimeSpan.Zero);
    private static readonly Guid Organization = Guid.CreateVersion7();

    [Fact]
    public void What_is_posted_is_let_go_in_its_order_and_the_rest_is_kept()
    {
        var unposted = new Unposted<string>();
        var first = unposted.Add(Organization, ["a", "b"], Start);
        (first.Number, first.OrganizationId, first.At).ShouldBe((1, Organization, Start));
        unposted.Add(Organization, ["c"], Start.AddSeconds(1)).Number.ShouldBe(2);
        unposted.Add(Organization, [], Start.AddSeconds(2)).Number.ShouldBe(3);
        (unposted.Count, unposted.Since, unposted.Last).ShouldBe((3, Start, 3));

        unposted.Release(0);
        unposted.UpTo(3).Select(r => r.Number).ShouldBe([1, 2, 3]);
        unposted.UpTo(1).SelectMany(r => r.Calls).ShouldBe(["a", "b"]);
        unposted.Release(1);
        unposted.UpTo(3).SelectMany(r => r.Calls).ShouldBe(["c"]);
        (unposted.Count, unposted.Since).ShouldBe((1, Start.AddSeconds(1)));

        unposted.Release(3);
        (unposted.IsEmpty, unposted.Count, unposted.Since).ShouldBe((true, 0, null));
    }

    [Fact]
    public void A_number_that_was_released_says_nothing_about_what_came_after_it()
    {
        var unposted = new Unposted<int>();
        unposted.Release(unposted.Add(Organization, [1], Start).Number);
        unposted.Add(Organization, [2], Start).Number.ShouldBe(2);
        unposted.Release(1);
        unposted.UpTo(2).ShouldHaveSingleItem().Calls.ShouldBe([2]);
    }

    [Fact]
    public void A_row_that_was_refused_has_no_calls_and_keeps_its_place()
    {
        var unposted = new Unposted<int>();
        unposted.Add(Organization, [1], Start);
        unposted.Add(Organization, [2, 3], Start);
        unposted.Void(1);
        unposted.Void(7);
        unposted.Count.ShouldBe(2);
        unposted.UpTo(2).Select(r => r.Calls.Count).ShouldBe([0, 2]);
    }
}
