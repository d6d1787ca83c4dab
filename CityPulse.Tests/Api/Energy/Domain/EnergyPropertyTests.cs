using CityPulse.Api.Energy.Domain;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;
using static CityPulse.Tests.Api.Energy.Domain.Metering;

namespace CityPulse.Tests.Api.Energy.Domain;

/// <summary>What holds of every meter, whatever it reads and however a period is cut.</summary>
public sealed class EnergyPropertyTests
{
    private const double Hours = 48;
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
    private static readonly Config Seeded = Config.QuickThrowOnFailure.WithReplay(20_261_128UL, 41UL).WithMaxTest(150);

    /// <summary>Steps of minutes and values: some negative, some broken, some absurdly large.</summary>
    private static readonly Arbitrary<(int Minutes, double Value)[]> Readings = Arb.From(
        Gen.Choose(0, 99).SelectMany(luck => Gen.Choose(1, 400).SelectMany(minutes => Gen.Choose(-2_000, 100_000).Select(value => (minutes, luck switch
        {
            0 => 1e300,
            1 => 0.0,
            2 => -1e9,
            _ => value / 100.0,
        })))).ArrayOf());

    private static readonly Arbitrary<int[]> Cuts = Arb.From(Gen.Choose(1, (int)(Hours * 60) - 1).ArrayOf());

    [Fact]
    public void The_parts_of_a_period_add_up_to_it_however_it_is_cut() => Prop.ForAll(Readings, Cuts, (readings, cuts) =>
    {
        double[] edges = [0, .. cuts.Select(c => c / 60.0).Distinct().Order(), Hours];
        foreach (var spec in Specs())
        {
            var whole = Tally(spec, 0, Hours, At(readings)).Total.KWh;
            var parts = edges.Zip(edges.Skip(1)).Sum(e => Tally(spec, e.First, e.Second, At(readings)).Total.KWh);
            parts.ShouldBe(whole, 1e-9 * Math.Max(1, whole), spec.ToString());
        }
    }).Check(Seeded);

    [Fact]
    public void Energy_is_finite_and_never_negative_and_coverage_is_a_share() => Prop.ForAll(Readings, readings =>
    {
        foreach (var spec in Specs())
        {
            var tally = Tally(spec, 0, Hours, At(readings), EnergyResolution.Hour, Berlin);
            tally.Total.KWh.ShouldBeInRange(0, double.MaxValue);
            tally.Total.Coverage.ShouldBeInRange(0, 1);
            var buckets = BucketGrid.Create(Metering.At(0), Metering.At(Hours), EnergyResolution.Hour, Berlin)!.Count;
            Enumerable.Range(0, buckets).ShouldAllBe(i => tally[i].KWh >= 0 && tally[i].Coverage >= 0 && tally[i].Coverage <= 1);
        }
    }).Check(Seeded);

    [Fact]
    public void The_order_of_meters_changes_nothing() => Prop.ForAll(Readings, Readings, (one, other) =>
    {
        foreach (var spec in Specs())
        {
            var (forth, back) = (Both(spec, one, other), Both(spec, other, one));
            forth.Total.KWh.ShouldBe(back.Total.KWh, 1e-9 * Math.Max(1, back.Total.KWh));
            forth.Total.Coverage.ShouldBe(back.Total.Coverage, 1e-12);
            (forth.Peak?.Kw ?? 0).ShouldBe(back.Peak?.Kw ?? 0, 1e-9 * Math.Max(1, back.Peak?.Kw ?? 0));
        }
    }).Check(Seeded);

    [Fact]
    public void What_a_tariff_prices_is_all_of_the_energy() => Prop.ForAll(Readings, Gen.Choose(0, 1439).ArrayOf(3).ToArbitrary(), (readings, minutes) =>
    {
        var (from, to) = (Metering.At(0), Metering.At(Hours));
        var plan = new TariffPlan([new(null, [new(0.1m, null, null, minutes[0], minutes[1]), new(0.2m, null, [1, 3], minutes[2], null), new(0.3m, null, null, null, null)], null)]);
        var grid = BucketGrid.Create(from, to, EnergyResolution.QuarterHour, Berlin)!;
        foreach (var spec in Specs())
        {
            var account = new BuildingAccount(grid, Berlin, new(Guid.Empty, "T", 1, "EUR", null, plan), plan.Schedule(from, to, Berlin), null, EmissionPlan.Unknown);
            account.BeginMeter("electricity");
            var meter = EnergyMeter.Create(spec, account);
            foreach (var (hour, value) in At(readings))
            {
                meter.Read(Metering.At(hour).UtcTicks, value);
            }

            meter.End();
            var prices = account.Prices().ToList();
            prices.Sum(p => p.KWh).ShouldBe(account.KWh, 1e-9 * Math.Max(1, account.KWh));
            prices.ShouldAllBe(p => p.Priced != null && p.Priced.Value.Cost >= 0);
            var local = TimeZoneInfo.ConvertTime(from, Berlin);
            local.Offset.ShouldNotBe(TimeSpan.Zero);
        }
    }).Check(Seeded);

    private static IEnumerable<MeterSpec> Specs() => Enum.GetValues<MeterKind>()
        .SelectMany(kind => new[] { TimeSpan.FromMinutes(15), TimeSpan.FromDays(1) }
            .Select(interval => new MeterSpec(kind, interval, 1, RegisterMaximum: 1000)));

    private static EnergyTally Both(MeterSpec spec, (int, double)[] one, (int, double)[] other)
    {
        var tally = new EnergyTally(BucketGrid.Whole(Metering.At(0), Metering.At(Hours)), BucketGrid.Blocks(Metering.At(0), Metering.At(Hours), 15));
        Run(tally, spec, At(one));
        Run(tally, spec, At(other));
        return tally;
    }

    /// <summary>From two hours before the period on, until well behind it if there are enough of them.</summary>
    private static (double Hour, double Value)[] At((int Minutes, double Value)[] readings)
    {
        var minutes = -120;
        return [.. readings.Select(r => ((minutes += r.Minutes) / 60.0, r.Value))];
    }
}
