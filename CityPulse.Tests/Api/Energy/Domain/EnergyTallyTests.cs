using CityPulse.Api.Energy.Domain;
using Shouldly;
using static CityPulse.Tests.Api.Energy.Domain.Metering;

namespace CityPulse.Tests.Api.Energy.Domain;

public sealed class EnergyTallyTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    [Fact]
    public void No_data_is_zero_with_coverage_zero_and_never_NaN()
    {
        var none = new EnergyTally(BucketGrid.Whole(At(0), At(24)), BucketGrid.Create(At(0), At(24), EnergyResolution.QuarterHour, Berlin));
        none.Total.ShouldBe(new EnergyFigure(0, 0, 0, EnergyMethods.None));
        none.Peak.ShouldBeNull();
        Tally(HourlyCounter, 0, 24, []).Total.ShouldBe(new EnergyFigure(0, 0, 0, EnergyMethods.None));
        Tally(HourlyCounter, 0, 24, [(3, 7)]).Total.ShouldBe(new EnergyFigure(0, 0, 0, EnergyMethods.None));
    }

    [Fact]
    public void The_peak_is_the_largest_quarter_hour_average()
    {
        var spec = new MeterSpec(MeterKind.PowerHeld, TimeSpan.FromMinutes(5), 1);
        // 60 kW for five minutes of the block 01:15..01:30, 12 kW otherwise: (60 + 12 + 12) / 3 = 28 kW.
        var tally = Tally(spec, 1, 2, [.. Enumerable.Range(0, 13).Select(i => (1 + (i / 12.0), i == 4 ? 60.0 : 12.0))]);
        var peak = tally.Peak!.Value;
        peak.Kw.ShouldBe(28, 1e-6);
        peak.At.ShouldBe(At(1.25));
    }

    [Fact]
    public void Peaks_of_several_meters_coincide_or_not()
    {
        var grid = BucketGrid.Whole(At(0), At(2));
        var tally = new EnergyTally(grid, BucketGrid.Create(At(0), At(2), EnergyResolution.QuarterHour, TimeZoneInfo.Utc));
        Run(tally, HourlyDelta, [(0, 10), (1, 2)]);
        Run(tally, HourlyDelta, [(0, 1), (1, 8)]);
        tally.Peak!.Value.Kw.ShouldBe(11, 1e-9);
        tally.Total.KWh.ShouldBe(21, 1e-9);
        tally.Total.Coverage.ShouldBe(1, 1e-9);
    }

    [Fact]
    public void Each_meter_counts_the_same_for_coverage()
    {
        var tally = new EnergyTally(BucketGrid.Whole(At(0), At(4)));
        Run(tally, HourlyDelta, [(0, 1), (1, 1), (2, 1), (3, 1)]);
        Run(tally, HourlyDelta, [(0, 1)]);
        tally.Total.Coverage.ShouldBe(5.0 / 8, 1e-9);
    }

    [Fact]
    public void Emissions_are_energy_times_the_buildings_factor()
    {
        var tally = new EnergyTally(BucketGrid.Whole(At(0), At(2)));
        Run(tally, HourlyDelta, [(0, 10)], kgPerKWh: 0.4);
        Run(tally, HourlyDelta, [(0, 10)], kgPerKWh: 0.1);
        tally.Total.Co2Kg.ShouldBe(5, 1e-9);
    }

    [Theory]
    [InlineData("2026-03-29", 23)]
    [InlineData("2026-10-25", 25)]
    [InlineData("2026-06-01", 24)]
    public void A_local_day_has_the_hours_it_has(string day, int hours)
    {
        var start = CivilTime.StartOf(DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture), Berlin);
        var grid = BucketGrid.Create(start, start.AddDays(3), EnergyResolution.Day, Berlin)!;
        (grid.StartOf(1) - grid.StartOf(0)).TotalHours.ShouldBe(hours);
        grid.StartOf(0).ShouldBe(start);

        // One kWh an hour: the day's energy is its hours.
        var tally = new EnergyTally(grid);
        tally.BeginMeter(null);
        for (var h = 0; h < 80; h++)
        {
            tally.Add(EnergySegment.Even(start.AddHours(h).UtcTicks, start.AddHours(h + 1).UtcTicks, 1, EnergyMethods.Delta));
        }

        tally[0].KWh.ShouldBe(hours, 1e-9);
    }

    [Fact]
    public void A_month_follows_the_zone()
    {
        var from = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.FromHours(1));
        var grid = BucketGrid.Create(from, from.AddDays(45), EnergyResolution.Month, Berlin)!;
        grid.Count.ShouldBe(2);
        grid.StartOf(1).ShouldBe(new DateTimeOffset(2026, 3, 31, 22, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public void A_day_begins_where_the_clocks_let_it()
    {
        // Clocks in Beirut go from 00:00 to 01:00.
        var beirut = TimeZoneInfo.FindSystemTimeZoneById("Asia/Beirut");
        CivilTime.StartOf(new DateOnly(2026, 3, 29), beirut).ShouldBe(new DateTimeOffset(2026, 3, 28, 22, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public void A_cut_bucket_keeps_its_start_and_its_coverage_is_of_what_is_in_the_period()
    {
        var tally = Tally(HourlyDelta, 0.5, 1.5, Hourly(2, 4), EnergyResolution.Hour);
        tally[0].ShouldBe(new EnergyFigure(1, 0, 1, EnergyMethods.Delta));
        BucketGrid.Create(At(0.5), At(1.5), EnergyResolution.Hour, TimeZoneInfo.Utc)!.StartOf(0).ShouldBe(At(0));
    }

    [Fact]
    public void More_buckets_than_allowed_are_refused()
    {
        BucketGrid.Create(At(0), At(5000), EnergyResolution.QuarterHour, TimeZoneInfo.Utc)!.Count.ShouldBe(20_000);
        BucketGrid.Create(At(0), At(5000.25), EnergyResolution.QuarterHour, TimeZoneInfo.Utc).ShouldBeNull();
    }

    [Theory]
    [InlineData(365, null, 1000.0, false)]
    [InlineData(366, null, 1000.0, false)]
    [InlineData(73, null, 5000.0, true)]
    [InlineData(73, true, 5000.0, true)]
    [InlineData(73, false, null, true)]
    [InlineData(730, null, 500.0, true)]
    public void Intensity_is_of_a_year(int days, bool? annualise, double? expected, bool noted)
    {
        var eui = EnergyUseIntensity.Of(100_000, 100, 1, TimeSpan.FromDays(days), annualise);
        (eui.Note is not null).ShouldBe(noted);
        if (expected is { } value)
        {
            eui.KWhPerM2Year!.Value.ShouldBe(value, 1e-6);
        }
        else
        {
            eui.KWhPerM2Year.ShouldBeNull();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void However_a_period_is_cut_its_parts_add_up(int seed)
    {
        var random = new Random(seed);
        foreach (var kind in Enum.GetValues<MeterKind>())
        {
            var spec = new MeterSpec(kind, TimeSpan.FromMinutes(15), 1, RegisterMaximum: 1000);
            var readings = Messy(random, kind);
            double[] cuts = [0, .. Enumerable.Range(0, 6).Select(_ => random.NextDouble() * 48).Order(), 48];
            var whole = Tally(spec, 0, 48, readings);
            var parts = cuts.Zip(cuts.Skip(1)).Where(c => c.First < c.Second).Select(c => Tally(spec, c.First, c.Second, readings)).ToList();

            parts.Sum(p => p.Total.KWh).ShouldBe(whole.Total.KWh, 1e-6);
            foreach (var resolution in Enum.GetValues<EnergyResolution>())
            {
                var tally = Tally(spec, 0, 48, readings, resolution, Berlin);
                var grid = BucketGrid.Create(At(0), At(48), resolution, Berlin)!;
                Enumerable.Range(0, grid.Count).Sum(i => tally[i].KWh).ShouldBe(whole.Total.KWh, 1e-6);
                tally.Peak.ShouldBe(whole.Peak);
            }

            whole.Total.KWh.ShouldBeGreaterThanOrEqualTo(0);
            whole.Total.Coverage.ShouldBeInRange(0, 1);
        }
    }

    /// <summary>Two days and a bit on either side, with jitter, gaps, zeros, dips and resets.</summary>
    private static (double, double)[] Messy(Random random, MeterKind kind)
    {
        var readings = new List<(double, double)>();
        var register = random.NextDouble() * 900;
        for (var hour = -3.0; hour < 51; hour += 0.25)
        {
            if (random.Next(12) == 0)
            {
                hour += random.NextDouble() * 4;
            }

            register = random.Next(60) == 0 ? random.NextDouble() * 5 : (register + (random.NextDouble() * 3)) % 1000;
            var value = kind == MeterKind.Counter
                ? random.Next(20) switch { 0 => 0, 1 => register * 0.97, _ => register }
                : (random.NextDouble() * 20) - 1;
            readings.Add((hour + (random.NextDouble() * 0.01), value));
        }

        return [.. readings];
    }
}
