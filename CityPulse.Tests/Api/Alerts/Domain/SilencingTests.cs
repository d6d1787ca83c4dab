using CityPulse.Api.Alerts.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Domain;

public sealed class SilencingTests
{
    [Fact]
    public void Nothing_begins_in_maintenance_and_what_lasts_begins_at_its_end()
    {
        Maintained((10, 20), [(20, 40)]).ShouldBe([(10, 20)]);
        Maintained((10, 30), [(5, 40)]).ShouldBeEmpty();
        Maintained((10, 60), [(5, 40)]).ShouldBe([(40, 60)]);
        Maintained((10, 60), [(5, 40), (30, 50)]).ShouldBe([(50, 60)]);
        Maintained((10, Never), [(5, 40)]).ShouldBe([(40, Never)]);
    }

    [Fact]
    public void Maintenance_does_not_end_what_has_begun_before() => Maintained((10, 60), [(20, 40)]).ShouldBe([(10, 60)]);

    [Fact]
    public void Another_alert_explains_what_begins_or_lasts_in_its_time()
    {
        Explained((10, 30), [(5, 40)]).ShouldBeEmpty();
        Explained((10, 60), [(10, 40)]).ShouldBe([(40, 60)]);
        Explained((10, 60), [(20, 40)]).ShouldBe([(10, 20), (40, 60)]);
        Explained((10, 60), [(20, Never)]).ShouldBe([(10, 20)]);
        Explained((10, Never), [(20, 30), (50, 60)]).ShouldBe([(10, 20), (30, 50), (60, Never)]);
        Explained((10, Never), [(10, Never)]).ShouldBeEmpty();
    }

    [Fact]
    public void What_another_alert_takes_over_is_marked_as_suppressed()
    {
        var told = Silencing.Apply([new Episode(10, 60, 1, 1)], [], [new TimeSlot(20, 40)]);
        told.Select(e => e.Suppressed).ShouldBe([true, false]);
    }

    private const int Never = int.MaxValue;

    private static List<(int, int)> Maintained((int, int) episode, (int, int)[] slots) => Run(episode, slots, []);

    private static List<(int, int)> Explained((int, int) episode, (int, int)[] slots) => Run(episode, [], slots);

    private static List<(int, int)> Run((int From, int To) episode, (int, int)[] maintenance, (int, int)[] explained) =>
        Silencing.Apply([new Episode(episode.From, Long(episode.To), 1, 1)], Slots(maintenance), Slots(explained))
            .ConvertAll(e => ((int)e.RaisedAt, e.IsOver ? (int)e.ClearedAt : Never));

    private static TimeSlot[] Slots((int From, int To)[] slots) => Array.ConvertAll(slots, s => new TimeSlot(s.From, Long(s.To)));

    private static long Long(int time) => time == Never ? Signal.Never : time;
}
