using System.Globalization;
using CityPulse.Api.Energy.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Energy.Domain;

/// <summary>Prices by hand, through months, weekdays, midnights and changes of the clocks.</summary>
public sealed class TariffPlanTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
    private static readonly TimeZoneInfo NewYork = TimeZoneInfo.FindSystemTimeZoneById("America/New_York");

    private static readonly EnergyRate Night = Rate(0.10m, from: "22:00", to: "06:00");
    private static readonly EnergyRate Day = Rate(0.30m);

    // 23 and 25 hours in Berlin: the night loses 02:00 to 03:00, or has it twice.
    [Theory]
    [InlineData("2026-06-15", 24, 8 * 0.10 + 16 * 0.30)]
    [InlineData("2026-03-29", 23, 7 * 0.10 + 16 * 0.30)]
    [InlineData("2026-10-25", 25, 9 * 0.10 + 16 * 0.30)]
    public void A_day_of_a_kilowatt_costs_its_hours(string day, int hours, double expected)
    {
        var (from, to) = LocalDay(day, Berlin);
        (to - from).TotalHours.ShouldBe(hours);
        Cost(from, to, Berlin, Night, Day).ShouldBe((decimal)expected);
    }

    // A rate that ends at 02:30 holds until then on either side of the change: 2 hours where that time does not come, 3 where it comes twice.
    [Theory]
    [InlineData("2026-06-15", 2.5)]
    [InlineData("2026-03-29", 2)]
    [InlineData("2026-10-25", 3)]
    public void A_boundary_within_the_hour_of_the_change_is_kept_by_the_wall_clock(string day, double cheapHours)
    {
        var (from, to) = LocalDay(day, Berlin);
        var expected = ((decimal)cheapHours * 1m) + ((decimal)((to - from).TotalHours - cheapHours) * 2m);
        Cost(from, to, Berlin, Rate(1m, to: "02:30"), Rate(2m)).ShouldBe(expected);
    }

    [Fact]
    public void New_York_changes_at_two_in_the_night_too()
    {
        var (from, to) = LocalDay("2026-11-01", NewYork);
        Cost(from, to, NewYork, Rate(1m, from: "01:00", to: "02:00"), Rate(2m)).ShouldBe((2 * 1m) + (23 * 2m));
    }

    [Fact]
    public void Rates_cut_intervals_pro_rata_within_the_quarter_hour()
    {
        // One interval from 21:50 to 22:10 local with 1 kWh: half of it is night.
        var from = new DateTimeOffset(2026, 6, 15, 19, 50, 0, TimeSpan.Zero);
        var ledger = new Ledger(BucketGrid.Whole(from, from.AddHours(1)), new TariffPlan([new(null, [Night, Day], null)]).Schedule(from, from.AddHours(1), Berlin));
        ledger.Add(EnergySegment.Even(from.UtcTicks, from.AddMinutes(20).UtcTicks, 1, EnergyMethods.Delta));
        ledger.Lines().Select(l => (l.What, Math.Round(l.KWh, 12))).ShouldBe([(1, 0.5), (0, 0.5)]);
    }

    [Theory]
    [InlineData("2026-01-05T12:00:00", 0)] // a Monday in January
    [InlineData("2026-01-10T12:00:00", 1)] // a Saturday in January
    [InlineData("2026-07-06T12:00:00", 2)] // a Monday in July
    [InlineData("2026-07-12T12:00:00", null)] // a Sunday in July
    public void The_first_rate_that_fits_counts_and_none_may_fit(string local, int? expected)
    {
        var terms = new TariffTerms(null,
        [
            new(0.40m, [1, 2, 12], [1, 2, 3, 4, 5], null, null), new(0.20m, [1, 2, 12], null, null, null), new(0.25m, null, [1, 2, 3, 4, 5], null, null),
        ], null);
        terms.RateAt(DateTime.Parse(local, CultureInfo.InvariantCulture)).ShouldBe(expected);
    }

    [Theory]
    [InlineData("2026-06-19T23:00:00", true)] // Friday night
    [InlineData("2026-06-20T01:00:00", false)] // Saturday after midnight is Saturday's
    [InlineData("2026-06-19T01:00:00", true)] // Friday after midnight is Friday's
    [InlineData("2026-06-19T12:00:00", false)]
    public void A_window_over_midnight_is_of_the_day_of_each_moment(string local, bool fits) =>
        new EnergyRate(1, null, [5], 22 * 60, 6 * 60).Fits(DateTime.Parse(local, CultureInfo.InvariantCulture)).ShouldBe(fits);

    [Fact]
    public void Terms_hold_from_their_local_day_on_and_a_period_can_be_priced_by_those_of_another_day()
    {
        TariffTerms[] terms = [new(new DateOnly(2026, 1, 1), [Rate(0.20m)], 1m), new(new DateOnly(2026, 6, 1), [Rate(0.50m)], 2m)];
        var plan = new TariffPlan(terms);
        var from = CivilTime.StartOf(new DateOnly(2026, 5, 31), Berlin);
        Cost(plan, from, from.AddDays(2), Berlin).ShouldBe((24 * 0.20m) + (24 * 0.50m));
        Cost(plan.AsOf(new DateOnly(2026, 7, 1)), from, from.AddDays(2), Berlin).ShouldBe(48 * 0.50m);
        plan.TermsOn(new DateOnly(2026, 5, 31))!.DemandChargePerKw.ShouldBe(1m);
        plan.TermsOn(new DateOnly(2025, 12, 31)).ShouldBeNull();
        // Before the first terms nothing has a price.
        var before = CivilTime.StartOf(new DateOnly(2025, 12, 31), Berlin);
        plan.Schedule(before, before.AddHours(1), Berlin).WhatOf(1 - 1).ShouldBe(StepSchedule.None);
        Cost(plan, before, before.AddDays(2), Berlin).ShouldBe(24 * 0.20m);
    }

    [Fact]
    public void Peaks_are_of_local_months()
    {
        // The last hour of March in UTC is April in Berlin.
        var from = new DateTimeOffset(2026, 3, 31, 20, 0, 0, TimeSpan.Zero);
        var demand = new DemandBlocks(BucketGrid.Blocks(from, from.AddHours(4), 15));
        demand.BeginMeter();
        double[] kWh = [5, 7, 9, 4];
        for (var h = 0; h < 4; h++)
        {
            demand.Add(EnergySegment.Even(from.AddHours(h).UtcTicks, from.AddHours(h + 1).UtcTicks, kWh[h], EnergyMethods.Delta));
        }

        demand.PeaksByMonth(Berlin).Select(p => (p.Month, Math.Round(p.Peak.Kw, 9), p.Peak.At)).ShouldBe(
        [
            (new DateOnly(2026, 3, 1), 7, from.AddHours(1)), (new DateOnly(2026, 4, 1), 9, from.AddHours(2)),
        ]);
        demand.Peak!.Value.At.ShouldBe(from.AddHours(2));
    }

    private static decimal Cost(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone, params EnergyRate[] rates) =>
        Cost(new TariffPlan([new(null, rates, null)]), from, to, zone);

    /// <summary>What a constant kilowatt costs, from segments of a quarter of an hour.</summary>
    private static decimal Cost(TariffPlan plan, DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var grid = BucketGrid.Create(from, to, EnergyResolution.Hour, zone)!;
        var tariff = new TariffSource(Guid.Empty, "T", 1, "EUR", null, plan);
        var account = new BuildingAccount(grid, zone, tariff, plan.Schedule(from, to, zone), null, EmissionPlan.Unknown);
        account.BeginMeter("electricity");
        for (var at = from; at < to; at = at.AddMinutes(15))
        {
            account.Add(EnergySegment.Even(at.UtcTicks, at.AddMinutes(15).UtcTicks, 0.25, EnergyMethods.Delta));
        }

        return account.Prices().Sum(p => p.Priced?.Cost ?? 0);
    }

    private static (DateTimeOffset From, DateTimeOffset To) LocalDay(string day, TimeZoneInfo zone)
    {
        var date = DateOnly.Parse(day, CultureInfo.InvariantCulture);
        return (CivilTime.StartOf(date, zone), CivilTime.StartOf(date.AddDays(1), zone));
    }

    private static EnergyRate Rate(decimal price, string? from = null, string? to = null) =>
        new(price, null, null, Minute(from), Minute(to));

    private static int? Minute(string? text) => text is null ? null : (int)TimeOnly.Parse(text, CultureInfo.InvariantCulture).ToTimeSpan().TotalMinutes;
}
