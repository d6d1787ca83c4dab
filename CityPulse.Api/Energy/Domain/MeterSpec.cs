namespace CityPulse.Api.Energy.Domain;

internal enum MeterKind
{
    /// <summary>The amount of an interval; the reading's time is the interval's start.</summary>
    DeltaFromStart,
    /// <summary>The amount of an interval; the reading's time is the interval's end.</summary>
    DeltaToEnd,
    /// <summary>A cumulative register.</summary>
    Counter,
    /// <summary>Power, sampled: a straight line between readings.</summary>
    PowerLinear,
    /// <summary>Power, reported on change: a value holds until the next.</summary>
    PowerHeld,
}

/// <summary>What turns one sensor's readings into energy.</summary>
/// <param name="ToKWh">kWh (or kW, for power) of one unit of the sensor.</param>
/// <param name="RegisterMaximum">In the sensor's unit: where a counter starts again at 0.</param>
internal sealed record MeterSpec(MeterKind Kind, TimeSpan Interval, double ToKWh, double? RegisterMaximum = null, double? RatedPowerKw = null)
{
    /// <summary>A tenth of what the whole world generates in a year.</summary>
    public const double LargestStepKWh = 1e12;

    /// <summary>Readings further apart than this leave a gap.</summary>
    public long LongestStep => 3 * Interval.Ticks;

    /// <summary>Intervals of days and bills, whose length the calendar decides.</summary>
    public bool IsCivil => Interval >= TimeSpan.FromDays(1);

    /// <summary>How far the interval of a delta may reach from its reading.</summary>
    public long Reach => IsCivil ? Interval.Ticks * 3 / 2 : Interval.Ticks;

    /// <summary>
    /// No step may hold more than the rated power can deliver (a billionth of slack for the arithmetic), nor more than a city can use:
    /// one broken value must not drown every figure that it is a part of.
    /// </summary>
    public bool Exceeds(double kWh, long ticks) =>
        !(kWh <= LargestStepKWh) || (RatedPowerKw is { } rated && kWh > rated * EnergySegment.Hours(ticks) * (1 + 1e-9));

    /// <summary>
    /// The meter of a sensor, or null where the sensor measures no energy (an instantaneous "energy", a cumulated "power").
    /// </summary>
    public static MeterSpec? Of(
        string quantity, string unit, string kind, int intervalSeconds, string interpolation, string intervalLabel,
        double? registerMaximum, double? maxValue, double? ratedPowerKw, double gasKWhPerM3)
    {
        if (EnergyUnits.ToKWh(quantity, unit, gasKWhPerM3) is not { } factor)
        {
            return null;
        }

        MeterKind? meter = (quantity, kind) switch
        {
            (EnergyUnits.ElectricPower, "gauge") => interpolation == "previous" ? MeterKind.PowerHeld : MeterKind.PowerLinear,
            (EnergyUnits.ElectricPower, _) => null,
            (_, "delta") => intervalLabel == "end" ? MeterKind.DeltaToEnd : MeterKind.DeltaFromStart,
            (_, "counter") => MeterKind.Counter,
            _ => null,
        };
        var interval = TimeSpan.FromSeconds(intervalSeconds > 0 ? intervalSeconds : 900);
        return meter is { } k ? new MeterSpec(k, interval, factor, registerMaximum ?? maxValue, ratedPowerKw) : null;
    }
}
