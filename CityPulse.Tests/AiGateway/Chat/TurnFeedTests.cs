using CityPulse.AiGateway.Chat;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Chat;

public sealed class TurnFeedTests
{
    /// <summary>Asked for in two steps, the last event could come between them and never be sent.</summary>
    [Theory]
    [InlineData("done")]
    [InlineData("error")]
    public void That_a_turn_is_over_is_told_with_its_last_event_or_after_it(string last)
    {
        using var feed = new TurnFeed(Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        feed.Add(feed.Next("delta", "{}"));
        var (events, more) = feed.After(1);
        events.ShouldBeEmpty();
        more.ShouldNotBeNull().IsCompleted.ShouldBeFalse();

        feed.Add(feed.Next(last, "{}"));
        more.IsCompletedSuccessfully.ShouldBeTrue();
        (events, more) = feed.After(1);
        events.Select(e => (e.Number, e.Type)).ShouldBe([(2, last)]);
        more.ShouldBeNull();
        feed.After(2).ShouldSatisfyAllConditions(rest => rest.Events.ShouldBeEmpty(), rest => rest.More.ShouldBeNull());
    }
}
