using CityPulse.AiGateway.Accounting.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Accounting.Domain;

public sealed class PurseTests
{
    [Fact]
    public void An_empty_purse_has_nothing_to_hand_out_and_asks_for_what_waits()
    {
        var purse = new Purse();
        purse.TryTake(2).ShouldBeFalse();
        var wish = purse.Wish(waitingUsd: 2);
        wish.ShouldBe(new PurseWish(0, 0, 0));
        purse.Learn(wish, grantedUsd: 2, roomUsd: 1, isFlushed: true);
        purse.TryTake(2).ShouldBeTrue();
        (purse.FreeUsd, purse.InUseUsd).ShouldBe((0, 2));
    }

    [Fact]
    public void Where_there_is_plenty_it_holds_some_for_calls_to_come()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Return(2, costUsd: 0);
        var wish = purse.Wish(waitingUsd: 0);
        (wish.KeptUsd, wish.SpareUsd).ShouldBe((2, 126));
        purse.Learn(wish, grantedUsd: 128, roomUsd: 1_000_000, isFlushed: true);
        for (var i = 0; i < 64; i++)
        {
            purse.TryTake(2).ShouldBeTrue();
        }

        purse.TryTake(2).ShouldBeFalse();
    }

    [Fact]
    public void It_never_holds_more_than_its_share_of_what_is_left()
    {
        var purse = Filled(roomUsd: 1280);
        purse.Wish(waitingUsd: 0).SpareUsd.ShouldBe(10);
    }

    [Fact]
    public void Near_the_end_of_a_budget_it_gives_back_what_comes_back()
    {
        var purse = Filled(roomUsd: 100);
        purse.Return(2, costUsd: 0);
        purse.HasTooMuch.ShouldBeTrue();
        purse.Wish(waitingUsd: 0).ShouldBe(new PurseWish(0, 0, 0));
        purse.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void What_came_back_is_for_those_who_wait_first()
    {
        var purse = Filled(roomUsd: 100);
        purse.Return(2, costUsd: 0);
        purse.Wish(waitingUsd: 1).ShouldBe(new PurseWish(1, 1, 0));
    }

    [Theory]
    [InlineData(0.5, 1.5)]
    [InlineData(2, 0)]
    [InlineData(3, 0)]
    public void What_a_call_cost_does_not_come_back(double costUsd, double freeUsd)
    {
        var purse = Filled(roomUsd: 100);
        purse.Return(2, (decimal)costUsd);
        purse.Wish(waitingUsd: 10).ShouldBe(new PurseWish((decimal)freeUsd, (decimal)freeUsd, 0));
    }

    [Fact]
    public void What_is_handed_out_while_the_accounts_are_asked_stays_counted()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Return(2, costUsd: 0);
        var wish = purse.Wish(waitingUsd: 0);
        purse.TryTake(1).ShouldBeTrue();
        purse.Learn(wish, grantedUsd: 50, roomUsd: 1_000_000, isFlushed: true);
        (purse.FreeUsd, purse.InUseUsd).ShouldBe((49, 1));
    }

    [Fact]
    public void One_that_rests_keeps_what_is_in_use_only()
    {
        var purse = Filled(roomUsd: 1_000_000);
        var wish = purse.Wish(waitingUsd: 0);
        purse.Learn(wish, grantedUsd: 100, roomUsd: 1_000_000, isFlushed: true);
        purse.Rest();
        purse.Wish(waitingUsd: 0).ShouldBe(new PurseWish(2, 0, 0));
    }

    [Fact]
    public void What_the_disk_may_not_have_is_not_handed_out()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Learn(purse.Wish(waitingUsd: 0), grantedUsd: 130, roomUsd: 1_000_000, isFlushed: false);
        purse.TryTake(2).ShouldBeFalse();
        purse.Flushed();
        purse.TryTake(2).ShouldBeTrue();
    }

    [Fact]
    public void While_it_awaits_the_disk_it_keeps_what_it_was_granted_and_asks_for_no_more()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Learn(purse.Wish(waitingUsd: 0), grantedUsd: 52, roomUsd: 1_000_000, isFlushed: false);
        purse.Wish(waitingUsd: 0).ShouldBe(new PurseWish(52, 50, 0));

        // A write that waits has it all on the disk.
        purse.Wish(waitingUsd: 60).ShouldBe(new PurseWish(52, 50, 128));
    }

    [Fact]
    public void What_the_accounts_may_have_lost_was_never_there()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Learn(purse.Wish(waitingUsd: 0), grantedUsd: 130, roomUsd: 1_000_000, isFlushed: false);
        purse.Doubt();
        purse.Flushed();
        purse.TryTake(1).ShouldBeFalse();
        purse.Wish(waitingUsd: 0).KeptUsd.ShouldBe(2);
    }

    [Fact]
    public void It_says_nothing_to_the_accounts_until_half_of_what_it_would_like_is_spent()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.IsContent.ShouldBeFalse("it has nothing to spare yet");
        purse.Learn(purse.Wish(waitingUsd: 0), grantedUsd: 130, roomUsd: 1_000_000, isFlushed: true);
        purse.IsContent.ShouldBeTrue();
        purse.Return(2, costUsd: 1);
        purse.IsContent.ShouldBeFalse("it has too much");
        purse.Wish(waitingUsd: 0);
        purse.TryTake(64).ShouldBeTrue();
        purse.IsContent.ShouldBeTrue();
        purse.TryTake(1).ShouldBeTrue();
        purse.IsContent.ShouldBeFalse("less than half is left");
    }

    [Fact]
    public void One_that_rests_gives_up_what_it_awaits_first()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Return(2, costUsd: 0);
        purse.Learn(purse.Wish(waitingUsd: 0), grantedUsd: 128, roomUsd: 1_000_000, isFlushed: false);
        purse.Rest();
        purse.Wish(waitingUsd: 1).ShouldBe(new PurseWish(1, 1, 0));
        (purse.FreeUsd, purse.AwaitedUsd).ShouldBe((1, 0));
    }

    /// <summary>One call of 2 dollars is under way.</summary>
    private static Purse Filled(decimal roomUsd)
    {
        var purse = new Purse();
        purse.TryTake(2);
        purse.Learn(purse.Wish(waitingUsd: 2), grantedUsd: 2, roomUsd, isFlushed: true);
        purse.TryTake(2).ShouldBeTrue();
        return purse;
    }
}
