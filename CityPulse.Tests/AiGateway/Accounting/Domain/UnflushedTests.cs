using CityPulse.AiGateway.Accounting.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Accounting.Domain;

public sealed class UnflushedTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 1, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_the_disk_has_is_let_go_in_its_order_and_the_rest_is_kept()
    {
        var unflushed = new Unflushed<string>();
        unflushed.Add(["a", "b"], Start).ShouldBe(1);
        unflushed.Add(["c"], Start.AddSeconds(1)).ShouldBe(2);
        unflushed.Add([], Start.AddSeconds(2)).ShouldBe(3);
        (unflushed.Count, unflushed.Since, unflushed.Last).ShouldBe((3, Start, 3));

        unflushed.Release(0).ShouldBeEmpty();
        unflushed.Release(1).ShouldBe(["a", "b"]);
        unflushed.Items.ShouldBe(["c"]);
        (unflushed.Count, unflushed.Since).ShouldBe((1, Start.AddSeconds(1)));

        unflushed.Release(3).ShouldBe(["c"]);
        (unflushed.IsEmpty, unflushed.Count, unflushed.Since).ShouldBe((true, 0, null));
    }

    [Fact]
    public void A_late_flush_says_nothing_about_what_came_after_it()
    {
        var unflushed = new Unflushed<int>();
        var flushed = unflushed.Add([1], Start);
        unflushed.Release(flushed);
        unflushed.Add([2], Start).ShouldBe(flushed + 1);
        unflushed.Release(flushed).ShouldBeEmpty();
        unflushed.Items.ShouldBe([2]);
    }
}
