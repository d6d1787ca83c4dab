using CityPulse.Api.Energy.Domain;
using Shouldly;
using static CityPulse.Tests.Api.Energy.Domain.Metering;

namespace CityPulse.Tests.Api.Energy.Domain;

public sealed class PowerAndDeltaMeterTests
{
    [Fact]
    public void Sampled_power_is_integrated_by_the_trapezoid_rule() =>
        Tally(HourlyPower, 0, 3, Hourly(10, 20, 20, 0)).Total.KWh.ShouldBe(15 + 20 + 10, 1e-9);

    [Fact]
    public void Uneven_sampling_is_weighted_by_time() =>
        Tally(HourlyPower, 0, 2, [(0, 10), (0.5, 30), (2, 30)]).Total.KWh.ShouldBe(10 + 45, 1e-9);

    [Fact]
    public void Power_reported_on_change_holds() =>
        Tally(HourlyPower with { Kind = MeterKind.PowerHeld }, 0, 3, Hourly(10, 20, 20, 0)).Total.KWh.ShouldBe(50, 1e-9);

    [Fact]
    public void The_edge_of_a_period_cuts_the_ramp_where_it_is() =>
        // From 0 kW to 10 kW in an hour: the second half holds three quarters of the energy.
        Tally(HourlyPower, 0.5, 1, Hourly(0, 10)).Total.KWh.ShouldBe(3.75, 1e-9);

    [Theory]
    [InlineData(3, 30, 1)]
    [InlineData(3.01, 0, 0)]
    public void A_gap_longer_than_three_intervals_adds_nothing(double hours, double kWh, double coverage)
    {
        var total = Tally(HourlyPower, 0, hours, [(0, 10), (hours, 10)]).Total;
        total.KWh.ShouldBe(kWh, 1e-9);
        total.Coverage.ShouldBe(coverage, 1e-9);
    }

    [Fact]
    public void Coverage_is_the_share_of_time_that_is_known() =>
        Tally(HourlyPower, 0, 10, [(0, 10), (1, 10), (2, 10), (9, 10), (10, 10)]).Total.Coverage.ShouldBe(0.3, 1e-9);

    [Fact]
    public void Power_fed_back_is_not_negative_energy() =>
        Tally(HourlyPower, 0, 3, Hourly(-5, -5, 0, 4)).Total.KWh.ShouldBe(2, 1e-9);

    [Fact]
    public void Power_beyond_the_rating_is_quarantined()
    {
        var tally = Tally(HourlyPower with { RatedPowerKw = 50 }, 0, 3, Hourly(10, 10, 500, 10));
        tally.Total.KWh.ShouldBe(10, 1e-9);
        tally.Quarantined.ShouldBe(2);
        tally.Total.Coverage.ShouldBe(1.0 / 3, 1e-9);
    }

    // Days that begin at local midnight, one of 23 hours and one of 25: each keeps its own energy. The last one has its nominal length.
    [Theory]
    [InlineData(nameof(MeterKind.DeltaFromStart), new[] { 0.0, 24, 47, 72 }, new[] { 24.0, 23, 25, 24 })]
    [InlineData(nameof(MeterKind.DeltaToEnd), new[] { 24.0, 47, 72, 96 }, new[] { 24.0, 23, 25, 24 })]
    public void An_interval_of_a_day_reaches_to_its_neighbour(string kind, double[] hours, double[] kWh)
    {
        var spec = new MeterSpec(Enum.Parse<MeterKind>(kind), TimeSpan.FromDays(1), 1);
        var readings = hours.Zip(kWh).Select(r => (r.First, r.Second)).ToArray();
        var edges = new[] { 0.0, 24, 47, 72, 96 };
        for (var i = 0; i < 4; i++)
        {
            var day = Tally(spec, edges[i], edges[i + 1], readings).Total;
            day.KWh.ShouldBe(edges[i + 1] - edges[i], 1e-9);
            day.Coverage.ShouldBe(1, 1e-9);
        }
    }

    [Fact]
    public void A_day_that_is_missing_is_not_made_up_by_its_neighbour()
    {
        var total = Tally(HourlyDelta with { Interval = TimeSpan.FromDays(1) }, 0, 96, [(0, 24), (48, 24), (72, 24)]).Total;
        total.KWh.ShouldBe(72, 1e-9);
        total.Coverage.ShouldBe(0.75, 1e-9);
    }

    [Fact]
    public void Shorter_intervals_have_the_length_that_they_say() =>
        Tally(HourlyDelta, 0, 2, [(0, 6), (0.75, 6)]).Total.KWh.ShouldBe(12, 1e-9);

    [Fact]
    public void A_broken_value_does_not_drown_the_rest()
    {
        var tally = Tally(HourlyDelta, 0, 3, Hourly(1, double.MaxValue, 2));
        tally.Total.KWh.ShouldBe(3, 1e-9);
        tally.Quarantined.ShouldBe(1);
        Tally(HourlyPower, 0, 3, Hourly(1, double.MaxValue, 1, 1)).Total.KWh.ShouldBe(1, 1e-9);
        Tally(HourlyCounter, 0, 4, Hourly(1, double.MaxValue, 2, 3, 4)).Total.KWh.ShouldBe(3, 1e-9);
    }

    [Fact]
    public void Deltas_are_summed()
    {
        var total = Tally(HourlyDelta, 0, 3, Hourly(1, 2, 3)).Total;
        total.KWh.ShouldBe(6, 1e-9);
        total.Coverage.ShouldBe(1, 1e-9);
        total.Method.Name().ShouldBe("delta");
    }

    [Fact]
    public void A_delta_labelled_by_its_end_belongs_to_the_hour_before()
    {
        var tally = Tally(HourlyDelta with { Kind = MeterKind.DeltaToEnd }, 0, 2, Hourly(9, 1, 2), EnergyResolution.Hour);
        tally.Total.KWh.ShouldBe(3, 1e-9);
        tally[0].KWh.ShouldBe(1, 1e-9);
        tally[1].KWh.ShouldBe(2, 1e-9);
    }

    [Fact]
    public void An_interval_across_a_bucket_or_an_edge_is_split_pro_rata()
    {
        // Begins at 00:30, so half of each hour's amount lies in either hour; the first and the last are cut by the period.
        var tally = Tally(HourlyDelta, 0, 2, [(-0.5, 4), (0.5, 6), (1.5, 8)], EnergyResolution.Hour);
        tally[0].KWh.ShouldBe(2 + 3, 1e-9);
        tally[1].KWh.ShouldBe(3 + 4, 1e-9);
    }

    [Fact]
    public void Overlapping_intervals_are_summed_but_cover_their_time_once()
    {
        var total = Tally(HourlyDelta, 0, 2, [(0, 4), (0.5, 6)]).Total;
        total.KWh.ShouldBe(10, 1e-9);
        total.Coverage.ShouldBe(0.75, 1e-9);
    }

    [Fact]
    public void Negative_and_impossible_deltas_are_quarantined()
    {
        var tally = Tally(HourlyDelta with { RatedPowerKw = 10 }, 0, 4, Hourly(1, -2, 11, 10));
        tally.Total.KWh.ShouldBe(11, 1e-9);
        tally.Quarantined.ShouldBe(2);
    }

    [Theory]
    [InlineData("electric_energy", "Wh", 0.001)]
    [InlineData("electric_energy", "MWh", 1000)]
    [InlineData("heat_energy", "GJ", 277.7777777)]
    [InlineData("heat_energy", "MJ", 0.2777777777)]
    [InlineData("gas_volume", "m3", 11)]
    [InlineData("gas_volume", "L", 0.011)]
    [InlineData("gas_volume", "m3{metered}", 11)]
    [InlineData("gas_energy", "MWh", 1000)]
    [InlineData("electric_power", "W", 0.001)]
    public void Units_become_kWh(string quantity, string unit, double expected) =>
        EnergyUnits.ToKWh(quantity, unit, gasKWhPerM3: 11)!.Value.ShouldBe(expected, 1e-6);

    [Theory]
    [InlineData("temperature", "Cel", "gauge")]
    [InlineData("electric_energy", "kWh", "gauge")]
    [InlineData("electric_power", "kW", "counter")]
    [InlineData("electric_energy", "m3", "delta")]
    public void What_is_no_energy_is_no_meter(string quantity, string unit, string kind) =>
        MeterSpec.Of(quantity, unit, kind, 900, "linear", "start", null, null, null, 11).ShouldBeNull();

    [Fact]
    public void The_largest_value_is_the_register_maximum_unless_one_is_given()
    {
        MeterSpec.Of("electric_energy", "kWh", "counter", 900, "linear", "start", null, 99999, null, 11)!.RegisterMaximum.ShouldBe(99999);
        MeterSpec.Of("electric_energy", "kWh", "counter", 900, "linear", "start", 1000, 99999, null, 11)!.RegisterMaximum.ShouldBe(1000);
    }
}
