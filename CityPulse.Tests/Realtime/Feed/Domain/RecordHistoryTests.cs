using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed.Domain;

public sealed class RecordHistoryTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);
    private static readonly Guid Mine = Guid.CreateVersion7(), Other = Guid.CreateVersion7();

    private readonly RecordHistory _history = new(maxBytes: 100_000, maxAge: TimeSpan.FromMinutes(15));

    [Fact]
    public void Gives_an_organisation_its_own_records_after_a_position_in_order()
    {
        Add(1, Mine);
        Add(2, Other);
        Add(3, Mine);
        Add(4, Mine);
        Positions(after: 1).ShouldBe([3, 4]);
        Positions(after: 1, limit: 1).ShouldBe([3]);
        Positions(after: 4).ShouldBe([]);
    }

    [Fact]
    public void Says_when_it_does_not_reach_back_so_far()
    {
        _history.Restart(10);
        _history.After(Mine, 9, 10).ShouldBeNull();
        _history.After(Mine, 10, 10).ShouldBe([]);
    }

    [Fact]
    public void Forgets_what_is_old()
    {
        Add(1, Mine, Now.AddMinutes(-20));
        Add(2, Mine, Now.AddMinutes(-14));
        _history.CompleteAfter.ShouldBe(1);
        Positions(after: 1).ShouldBe([2]);
    }

    [Fact]
    public void Forgets_the_oldest_of_all_organisations_when_there_is_too_much()
    {
        for (var position = 1; position <= 1000; position++)
        {
            Add(position, position % 3 == 0 ? Mine : Other, size: 744);
        }

        _history.Bytes.ShouldBe(100_000);
        _history.CompleteAfter.ShouldBe(900);
        Positions(after: 900, limit: 1000).ShouldBe(Enumerable.Range(901, 100).Where(p => p % 3 == 0).Select(p => (long)p));
    }

    private void Add(long position, Guid organization, DateTimeOffset? at = null, int size = 10) =>
        _history.Add(new StreamRecord(position, position - 1, organization, at ?? Now, "alert.raised", ["alerts"], new byte[size]), Now);

    private IEnumerable<long> Positions(long after, int limit = 10) =>
        _history.After(Mine, after, limit).ShouldNotBeNull().Select(record => record.Position);
}
