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
        var wish = purse.Wish(waitingUsd: 2, postedUsd: 0);
        wish.ShouldBe(new PurseWish(0, 0, 0));
        purse.Learn(wish, grantedUsd: 2, roomUsd: 1);
        purse.TryTake(2).ShouldBeTrue();
        (purse.FreeUsd, purse.InUseUsd).ShouldBe((0, 2));
    }

    [Fact]
    public void Where_there_is_plenty_it_is_filled_up_for_calls_to_come()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Return(2, costUsd: 0);
        var wish = purse.Wish(waitingUsd: 0, postedUsd: 0);
        (wish.KeptUsd, wish.SpareUsd).ShouldBe((2, 382));
        purse.Learn(wish, grantedUsd: 384, roomUsd: 1_000_000);
        for (var i = 0; i < 192; i++)
        {
            purse.TryTake(2).ShouldBeTrue();
        }

        purse.TryTake(2).ShouldBeFalse();
    }

    [Fact]
    public void It_never_holds_more_than_its_share_of_what_is_left()
    {
        var purse = Filled(roomUsd: 1280);
        purse.Wish(waitingUsd: 0, postedUsd: 0).SpareUsd.ShouldBe(7.5m);
        purse.Return(2, costUsd: 0);
        purse.HasTooMuch.ShouldBeFalse();
        purse.Return(9, costUsd: 0);
        purse.HasTooMuch.ShouldBeTrue();
    }

    [Fact]
    public void Near_the_end_of_a_budget_it_gives_back_what_comes_back()
    {
        var purse = Filled(roomUsd: 100);
        purse.Return(2, costUsd: 0);
        purse.HasTooMuch.ShouldBeTrue();
        purse.Wish(waitingUsd: 0, postedUsd: 0).ShouldBe(new PurseWish(0, 0, 0));
        purse.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void What_came_back_is_for_those_who_wait_first()
    {
        var purse = Filled(roomUsd: 100);
        purse.Return(2, costUsd: 0);
        purse.Wish(waitingUsd: 1, postedUsd: 0).ShouldBe(new PurseWish(1, 1, 0));
    }

    [Theory]
    [InlineData(0.5, 1.5)]
    [InlineData(2, 0)]
    [InlineData(3, 0)]
    public void What_a_call_cost_does_not_come_back(double costUsd, double freeUsd)
    {
        var purse = Filled(roomUsd: 100);
        purse.Return(2, (decimal)costUsd);
        purse.Wish(waitingUsd: 10, postedUsd: 0).ShouldBe(new PurseWish((decimal)freeUsd, (decimal)freeUsd, 0));
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(5, true)]
    [InlineData(5.5, false)]
    public void What_is_free_covers_a_call_that_cost_more_than_was_set_aside_for_it(double costUsd, bool isCovered)
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Learn(purse.Wish(waitingUsd: 0, postedUsd: 0), grantedUsd: 5, roomUsd: 1_000_000);
        purse.Covers(2, (decimal)costUsd).ShouldBe(isCovered);
    }

    [Fact]
    public void What_calls_have_cost_stays_set_aside_until_it_is_posted()
    {
        var purse = Filled(roomUsd: 100);
        purse.TryTake(0).ShouldBeTrue();
        purse.Return(2, costUsd: 1.5m);
        purse.Owe(1.5m);
        purse.Owe(0.25m);
        purse.Wish(waitingUsd: 10, postedUsd: 0).KeptUsd.ShouldBe(2.25m);
        var wish = purse.Wish(waitingUsd: 10, postedUsd: 1.5m);
        wish.KeptUsd.ShouldBe(0.75m, "what is posted with the wish is booked out of the reservation before");
        purse.Posted(1.5m);
        purse.Learn(wish, grantedUsd: 1.75m, roomUsd: 100);
        (purse.FreeUsd, purse.OwedUsd).ShouldBe((1.5m, 0.25m));
    }

    [Fact]
    public void One_that_owes_is_not_empty()
    {
        var purse = Filled(roomUsd: 100);
        purse.Return(2, costUsd: 2);
        purse.Owe(2);
        purse.IsEmpty.ShouldBeFalse();
        purse.Posted(2);
        purse.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void What_is_handed_out_while_the_accounts_are_asked_stays_counted()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.Return(2, costUsd: 0);
        var wish = purse.Wish(waitingUsd: 0, postedUsd: 0);
        purse.TryTake(1).ShouldBeTrue();
        purse.Learn(wish, grantedUsd: 50, roomUsd: 1_000_000);
        (purse.FreeUsd, purse.InUseUsd).ShouldBe((49, 1));
    }

    [Fact]
    public void One_that_rests_keeps_what_is_in_use_only()
    {
        var purse = Filled(roomUsd: 1_000_000);
        var wish = purse.Wish(waitingUsd: 0, postedUsd: 0);
        purse.Learn(wish, grantedUsd: 100, roomUsd: 1_000_000);
        purse.Rest();
        purse.Wish(waitingUsd: 0, postedUsd: 0).ShouldBe(new PurseWish(2, 0, 0));
    }

    [Fact]
    public void It_asks_for_more_once_less_than_half_is_left_and_gives_back_what_it_may_not_hold()
    {
        var purse = Filled(roomUsd: 1_000_000);
        purse.HasTooLittle.ShouldBeTrue("it has nothing to spare yet");
        purse.Learn(purse.Wish(waitingUsd: 0, postedUsd: 0), grantedUsd: 2 + 384, roomUsd: 1_000_000);
        (purse.HasTooLittle, purse.HasTooMuch).ShouldBe((false, false));
        purse.TryTake(128).ShouldBeTrue();
        purse.HasTooLittle.ShouldBeFalse();
        purse.TryTake(1).ShouldBeTrue();
        purse.HasTooLittle.ShouldBeTrue();

        purse.Return(129 + 128, costUsd: 0);
        purse.HasTooMuch.ShouldBeFalse();
        purse.Return(1, costUsd: 0);
        purse.HasTooMuch.ShouldBeTrue();
        purse.Wish(waitingUsd: 0, postedUsd: 0).SpareUsd.ShouldBe(0);
        purse.FreeUsd.ShouldBe(384);
    }

    /// <summary>One call of 2 dollars is under way.</summary>
    private static Purse Filled(decimal roomUsd)
    {
        var purse = new Purse();
        purse.TryTake(2);
        purse.Learn(purse.Wish(waitingUsd: 2, postedUsd: 0), grantedUsd: 2, roomUsd);
        purse.TryTake(2).ShouldBeTrue();
        return purse;
    }
}
