using CityPulse.Api.Alerts.Evaluation;
using CityPulse.Api.Data;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts;

/// <summary>Who keeps the clock of alerts, and what it clears up.</summary>
[Collection(nameof(AlertsApi))]
public sealed class TickerTests(AlertsApi api)
{
    private const string Holder = "SELECT coalesce((SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32) + objid::bigint = $1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())), 0)";

    [Fact]
    public async Task When_whoever_keeps_the_clock_loses_its_connection_another_goes_on_and_nothing_is_told_twice()
    {
        for (var round = 0; round < 3; round++)
        {
            var holder = await HolderAsync();
            await api.ScalarAsync<bool>("SELECT pg_terminate_backend($1)", holder);
            await SilenceIsNoticedAsync();
            (await HolderAsync()).ShouldNotBe(holder);
        }
    }

    [Fact]
    public async Task Of_saved_states_that_are_long_past_the_last_of_each_month_is_kept()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor);
        var start = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
        await AlertsApi.IngestAsync(member, sensor, (start, 20));
        await api.JudgedAsync(member);
        await AlertsApi.IngestAsync(member, sensor, Enumerable.Range(1, 1500).Select(i => (start.AddHours(i), 20.0 + (i % 2))));
        await api.JudgedAsync(member);
        const string States = "SELECT array_agg(date_part('month', at)::int ORDER BY at) FROM alert_checkpoints WHERE subject_id = $1";
        (await api.ScalarAsync<int[]>(States, sensor)).Length.ShouldBeGreaterThan(3);

        var ticker = ActivatorUtilities.CreateInstance<AlertTicker>(api.Hosts[0].Services);
        await using var connection = await api.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await ticker.TickOnceAsync(connection, TestContext.Current.CancellationToken);
        (await api.ScalarAsync<int[]>(States, sensor)).ShouldBe([3, 4]);

        // What comes late is judged as well from what is left.
        await AlertsApi.IngestAsync(member, sensor, (start.AddDays(10).AddMinutes(1), 41));
        (await api.AlertsAsync(member)).ShouldHaveSingleItem().Time("raisedAt").ShouldBe(start.AddDays(10).AddMinutes(1));
    }

    [Fact]
    public async Task Rules_are_read_once_a_version()
    {
        var cache = new RuleCache();
        var (reads, organization) = (0, Guid.CreateVersion7());
        foreach (var version in new long[] { 1, 1, 1, 2, 2 })
        {
            await cache.GetAsync(organization, version, Read);
        }

        await cache.GetAsync(Guid.CreateVersion7(), 2, Read);
        reads.ShouldBe(3);

        Task<List<JudgedRule>> Read()
        {
            reads++;
            return Task.FromResult<List<JudgedRule>>([]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Every_change_of_a_rule_is_another_version_and_judged_by_at_once(int replica)
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        var colleague = await api.MemberAsync(organization: member.OrganizationId, replica: replica);
        var rule = $"{AlertsApi.Rules}/{(await AlertsApi.AddRuleAsync(member, sensor)).GetProperty("id").GetGuid()}";
        var at = api.Clock.GetUtcNow().AddMinutes(-50);
        foreach (var limit in new[] { 30, 50, 30, 50 })
        {
            var before = await VersionAsync(member);
            (await colleague.PatchAsync(rule, new { condition = new { value = limit }, message = $"Over {limit}" })).IsSuccessStatusCode.ShouldBeTrue();
            (await VersionAsync(member)).ShouldBeGreaterThan(before);
            at = at.AddMinutes(1);
            await AlertsApi.IngestAsync(member, sensor, (at, 40), (at.AddSeconds(1), 20));
            await api.JudgedAsync(member);
        }

        var alerts = await api.AlertsAsync(member);
        alerts.Select(a => a.GetProperty("message").GetString()).ShouldBe(["Over 30", "Over 30"]);
        var last = await VersionAsync(member);
        (await colleague.DeleteAsync(rule)).IsSuccessStatusCode.ShouldBeTrue();
        (await VersionAsync(member)).ShouldBe(last + 1);
    }

    private Task<long> VersionAsync(Member member) => api.ScalarAsync<long>("SELECT version FROM alert_rule_sets WHERE organization_id = $1", member.OrganizationId);

    private async Task<int> HolderAsync()
    {
        var holder = 0;
        await Eventually.TrueAsync(async () => (holder = await api.ScalarAsync<int>(Holder, AdvisoryLockKeys.AlertTicker)) > 0, "somebody keeps the clock");
        return holder;
    }

    /// <summary>A sensor that falls silent raises one alert, without a reading.</summary>
    private async Task SilenceIsNoticedAsync()
    {
        var (member, _, sensor) = await api.WithSensorAsync();
        await AlertsApi.AddRuleAsync(member, sensor, new { type = "no_data", afterSeconds = 120 });
        await AlertsApi.IngestAsync(member, sensor, (api.Clock.GetUtcNow(), 20));
        await api.JudgedAsync(member);
        (await api.AlertsAsync(member)).ShouldBeEmpty();
        api.Clock.Advance(TimeSpan.FromMinutes(3));
        await api.SingleAsync(member, "unacknowledged");
        (await api.EventsAsync(member)).ShouldBe(["alert.raised"]);
    }
}
