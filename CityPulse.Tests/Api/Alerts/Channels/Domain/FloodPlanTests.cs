using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Alerts.Domain;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Channels.Domain;

public sealed class FloodPlanTests
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));

    private DateTimeOffset Now => _clock.GetUtcNow();

    [Theory]
    [InlineData(0, false)]
    [InlineData(9, false)]
    [InlineData(10, true)]
    [InlineData(500, true)]
    public void The_eleventh_alert_of_ten_minutes_makes_a_flood(int toldOf, bool expected) => FloodPlan.IsFlood(toldOf).ShouldBe(expected);

    [Fact]
    public void The_first_message_waits_a_minute_the_next_for_ten_and_critical_alerts_never_longer_than_one()
    {
        var first = Now;
        FloodPlan.DueAt(first, hasCritical: false, last: null).ShouldBe(first.AddMinutes(1));
        _clock.Advance(TimeSpan.FromMinutes(1));
        var last = Now;
        _clock.Advance(TimeSpan.FromMinutes(2));
        FloodPlan.DueAt(Now, hasCritical: false, last).ShouldBe(last.AddMinutes(10));
        FloodPlan.DueAt(Now, hasCritical: true, last).ShouldBe(Now.AddMinutes(1));
        _clock.Advance(TimeSpan.FromMinutes(30));
        FloodPlan.DueAt(Now, hasCritical: false, last).ShouldBe(Now.AddMinutes(1));
    }

    [Fact]
    public void To_whom_alerts_are_escalated_hears_of_new_ones_later_and_of_the_others_if_told_before()
    {
        var channel = new ChannelScope(ChannelType.Webhook, AlertSeverity.Info, null, EscalateAfter: TimeSpan.FromMinutes(5));
        Routing.TellAt(channel, News(AlertNews.Raised), wasEscalated: false, Now).ShouldBe(Now.AddMinutes(5));
        Routing.TellAt(channel, News(AlertNews.Raised) with { IsShelved = true }, wasEscalated: false, Now).ShouldBeNull();
        Routing.TellAt(channel, News(AlertNews.Raised) with { State = AlertState.ClearedUnacknowledged }, wasEscalated: false, Now).ShouldBeNull("an episode of the past");
        Routing.TellAt(channel, News("alert.acknowledged"), wasEscalated: false, Now).ShouldBeNull();
        Routing.TellAt(channel, News("alert.acknowledged"), wasEscalated: true, Now).ShouldBe(Now);
        Routing.TellAt(channel with { EscalateAfter = null }, News(AlertNews.Raised) with { IsShelved = true }, wasEscalated: false, Now).ShouldBe(Now);
    }

    private static AlertNews News(string type) => new(type, AlertSeverity.Critical, Guid.Empty, IsShelved: false, EndedAt: null);
}
