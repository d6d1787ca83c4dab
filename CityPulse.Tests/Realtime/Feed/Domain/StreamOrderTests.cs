using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed.Domain;

public sealed class StreamOrderTests
{
    [Theory]
    [InlineData(5, 6, 5, Arrival.Next)]
    [InlineData(5, 9, 5, Arrival.Next)]
    [InlineData(5, 9, 4, Arrival.Next)]
    [InlineData(5, 5, 4, Arrival.Repeated)]
    [InlineData(5, 3, 2, Arrival.Repeated)]
    [InlineData(5, 7, 6, Arrival.AfterMissed)]
    public void An_arrival_is_judged_by_what_came_before_it(long last, long position, long previous, object expected) =>
        StreamOrder.Judge(last, Record(position, previous)).ShouldBe((Arrival)expected);

    [Theory]
    [InlineData(5, 5, null, null, CatchUp.Complete)]
    [InlineData(5, 9, 6L, 5L, CatchUp.Complete)]
    [InlineData(5, 9, 8L, 5L, CatchUp.Complete)]
    [InlineData(5, 9, 8L, 7L, CatchUp.HistoryLost)]
    [InlineData(5, 9, null, null, CatchUp.HistoryLost)]
    [InlineData(5, 4, null, null, CatchUp.SourceReset)]
    public void A_page_joins_what_is_known_or_says_why_not(long last, long newest, long? position, long? previous, object expected) =>
        StreamOrder.Judge(last, newest, position is { } p ? Record(p, previous!.Value) : null).ShouldBe((CatchUp)expected);

    private static StreamRecord Record(long position, long previous) =>
        new(position, previous, Guid.Empty, DateTimeOffset.UnixEpoch, "readings", [], default);
}
