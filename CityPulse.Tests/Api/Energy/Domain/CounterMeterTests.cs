using CityPulse.Api.Energy.Domain;
using Shouldly;
using static CityPulse.Tests.Api.Energy.Domain.Metering;

namespace CityPulse.Tests.Api.Energy.Domain;

public sealed class CounterMeterTests
{
    private static double Total(MeterSpec spec, params double[] values) => Tally(spec, 0, values.Length - 1, Hourly(values)).Total.KWh;

    [Fact]
    public void Differences_of_neighbours_add_up() => Total(HourlyCounter, 100, 101.5, 101.5, 104).ShouldBe(4, 1e-9);

    [Fact]
    public void A_drop_near_the_register_maximum_is_a_rollover() =>
        Total(HourlyCounter with { RegisterMaximum = 1000 }, 980, 995, 10, 20).ShouldBe(15 + 15 + 10, 1e-9);

    [Fact]
    public void A_rollover_that_lands_on_zero_is_no_missing_reading() =>
        Total(HourlyCounter with { RegisterMaximum = 1000 }, 980, 995, 0, 20, 30, 40).ShouldBe(15 + 5 + 40, 1e-9);

    [Fact]
    public void A_drop_far_from_the_maximum_is_a_reset_and_counts_from_zero() =>
        Total(HourlyCounter with { RegisterMaximum = 1000 }, 500, 510, 4, 9).ShouldBe(10 + 4 + 5, 1e-9);

    [Fact]
    public void A_reset_needs_no_maximum() => Total(HourlyCounter, 500, 510, 4, 9).ShouldBe(19, 1e-9);

    [Fact]
    public void A_small_dip_is_a_glitch_and_the_way_back_up_is_not_energy() =>
        Total(HourlyCounter, 1000, 1010, 1008, 1012, 1020).ShouldBe(20, 1e-9);

    [Fact]
    public void A_dip_that_stays_is_a_new_level() =>
        Total(HourlyCounter, 1000, 1010, 990, 995, 998, 1000, 1003).ShouldBe(10 + 0 + 13, 1e-9);

    [Fact]
    public void An_isolated_zero_is_missing_data() => Total(HourlyCounter, 1000, 1010, 0, 1030, 1040).ShouldBe(40, 1e-9);

    [Fact]
    public void An_outage_that_reads_zero_for_hours_is_missing_data() =>
        Total(HourlyCounter, 1000, 1010, 0, 0, 0, 0, 0, 0, 1080, 1090).ShouldBe(90, 1e-9);

    [Fact]
    public void A_reset_to_zero_counts_from_zero() => Total(HourlyCounter, 1000, 1010, 0, 5, 9, 12, 20).ShouldBe(30, 1e-9);

    [Fact]
    public void A_register_that_stands_at_zero_uses_nothing() => Total(HourlyCounter, 0, 0, 0, 0).ShouldBe(0);

    [Fact]
    public void A_year_of_zeros_is_read_in_one_go()
    {
        var values = Enumerable.Repeat(0.0, 40_000).Prepend(10).ToArray();
        Total(HourlyCounter, values).ShouldBe(0);
    }

    [Fact]
    public void A_step_beyond_the_rated_power_is_quarantined_and_lowers_coverage()
    {
        var tally = Tally(HourlyCounter with { RatedPowerKw = 20 }, 0, 4, Hourly(0, 10, 5010, 5020, 5030));
        tally.Total.KWh.ShouldBe(30, 1e-9);
        tally.Quarantined.ShouldBe(1);
        tally.Total.Coverage.ShouldBe(0.75, 1e-9);
    }

    [Fact]
    public void A_spike_from_which_the_register_comes_back_is_missing_data()
    {
        var tally = Tally(HourlyCounter with { RatedPowerKw = 20 }, 0, 4, Hourly(0, 10, 5010, 30, 40));
        tally.Total.KWh.ShouldBe(40, 1e-9);
        tally.Quarantined.ShouldBe(0);
        tally.Total.Coverage.ShouldBe(1, 1e-9);
    }

    [Fact]
    public void The_register_counts_through_a_gap_and_a_cut_of_it_is_an_estimate()
    {
        var readings = new (double, double)[] { (0, 100), (10, 200) };
        Tally(HourlyCounter, 0, 10, readings).Total.ShouldBe(new EnergyFigure(100, 0, 1, EnergyMethods.Counter));
        var cut = Tally(HourlyCounter, 5, 10, readings).Total;
        cut.KWh.ShouldBe(50, 1e-9);
        cut.Method.Name().ShouldBe("estimated");
    }

    [Fact]
    public void A_gap_cut_by_buckets_leaves_the_total_measured()
    {
        var tally = Tally(HourlyCounter, 0, 10, [(0, 100), (10, 200)], EnergyResolution.Hour);
        tally[3].Method.Name().ShouldBe("estimated");
        tally.Total.Method.Name().ShouldBe("counter");
    }

    [Fact]
    public void Units_are_converted() => Total(HourlyCounter with { ToKWh = 11.2 }, 10, 12).ShouldBe(22.4, 1e-9);
}
