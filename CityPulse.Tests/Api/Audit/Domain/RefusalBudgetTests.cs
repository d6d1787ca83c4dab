using CityPulse.Api.Audit.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Audit.Domain;

public sealed class RefusalBudgetTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Who_goes_on_knocking_is_written_down_so_often_a_minute_and_no_more()
    {
        var budget = new RefusalBudget();
        var (ada, bob) = (Guid.NewGuid(), Guid.NewGuid());
        Enumerable.Range(0, 100).Count(_ => budget.TrySpend(ada, Now)).ShouldBe(RefusalBudget.PerMinute);
        budget.TrySpend(bob, Now).ShouldBeTrue("one person's noise takes nothing from another");
        budget.TrySpend(ada, Now.AddMinutes(1)).ShouldBeTrue();
    }

    [Fact]
    public void The_number_of_people_that_are_remembered_is_bounded()
    {
        var budget = new RefusalBudget();
        Enumerable.Range(0, 20_000).Count(_ => budget.TrySpend(Guid.NewGuid(), Now)).ShouldBe(10_000);
    }
}
