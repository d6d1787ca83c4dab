using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed.Domain;

public sealed class ResumeTests
{
    [Theory]
    [InlineData(10, 0, 10, 20, false)]
    [InlineData(9, EventId.MaxIndex, 10, 20, false)]
    [InlineData(9, 0, 10, 20, true)]
    [InlineData(8, EventId.MaxIndex, 10, 20, true)]
    [InlineData(20, 0, 10, 20, false)]
    [InlineData(21, 0, 10, 20, true)]
    [InlineData(20, EventId.MaxIndex, 0, 20, false)]
    [InlineData(19, EventId.MaxIndex, 0, 20, true)]
    [InlineData(0, EventId.MaxIndex, 0, 0, false)]
    [InlineData(0, EventId.MaxIndex, 1, 5, false)]
    public void There_is_a_gap_where_something_after_the_id_may_be_gone(long position, int index, long oldest, long newest, bool expected) =>
        Resume.HasGap(new EventId(position, index), oldest, newest).ShouldBe(expected);

    [Fact]
    public void What_the_connection_has_had_already_is_not_owed_again()
    {
        var owed = new Owed(Since: new EventId(5, 1), HadFrom: new EventId(8, 0), HadThrough: new EventId(9, EventId.MaxIndex));
        owed.Includes(new EventId(5, 1)).ShouldBeFalse();
        owed.Includes(new EventId(5, 2)).ShouldBeTrue();
        owed.Includes(new EventId(8, 0)).ShouldBeTrue();
        owed.Includes(new EventId(8, 1)).ShouldBeFalse();
        owed.Includes(new EventId(9, 3)).ShouldBeFalse();
        owed.Includes(new EventId(10, 0)).ShouldBeTrue();
    }
}
