using CityPulse.Api.Energy.Domain;

namespace CityPulse.Tests.Api.Energy.Domain;

/// <summary>Runs readings through a meter, in hours since one fixed midnight, so that tests read like the examples they check.</summary>
internal static class Metering
{
    public static readonly DateTimeOffset Start = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero);

    public static readonly MeterSpec HourlyCounter = new(MeterKind.Counter, TimeSpan.FromHours(1), 1);
    public static readonly MeterSpec HourlyPower = new(MeterKind.PowerLinear, TimeSpan.FromHours(1), 1);
    public static readonly MeterSpec HourlyDelta = new(MeterKind.DeltaFromStart, TimeSpan.FromHours(1), 1);

    public static DateTimeOffset At(double hours) => Start.AddHours(hours);

    public static EnergyTally Tally(
        MeterSpec spec, double fromHour, double toHour, (double Hour, double Value)[] readings,
        EnergyResolution? resolution = null, TimeZoneInfo? zone = null, double? kgPerKWh = null)
    {
        var (from, to) = (At(fromHour), At(toHour));
        zone ??= TimeZoneInfo.Utc;
        var grid = resolution is { } r ? BucketGrid.Create(from, to, r, zone)! : BucketGrid.Whole(from, to);
        var tally = new EnergyTally(grid, BucketGrid.Create(from, to, EnergyResolution.QuarterHour, zone));
        Run(tally, spec, readings, kgPerKWh);
        return tally;
    }

    public static void Run(EnergyTally tally, MeterSpec spec, (double Hour, double Value)[] readings, double? kgPerKWh = null)
    {
        tally.BeginMeter(kgPerKWh);
        var meter = EnergyMeter.Create(spec, tally);
        foreach (var (hour, value) in readings)
        {
            meter.Read(At(hour).UtcTicks, value);
        }

        meter.End();
    }

    /// <summary>Hourly readings from hour 0 on.</summary>
    public static (double, double)[] Hourly(params double[] values) => [.. values.Select((v, i) => ((double)i, v))];
}
