namespace CityPulse.Api.Energy.Domain;

/// <summary>
/// Energy drawn in <c>[From, To)</c> (UTC ticks) while the power went evenly from <paramref name="StartKw"/> to <paramref name="EndKw"/>.
/// Every kind of meter is brought to this form, so that buckets, edges and peaks are cut in one place only.
/// </summary>
/// <param name="LongGap">The readings that bound the segment are more than three intervals apart: a part of it is an estimate.</param>
internal readonly record struct EnergySegment(
    long From, long To, double KWh, double StartKw, double EndKw, EnergyMethods Method, bool LongGap)
{
    /// <summary>An amount whose distribution within the time is not known: spread pro rata.</summary>
    public static EnergySegment Even(long from, long to, double kWh, EnergyMethods method, bool longGap = false)
    {
        var powerKw = kWh / Hours(to - from);
        return new EnergySegment(from, to, kWh, powerKw, powerKw, method, longGap);
    }

    /// <summary>Power that goes from one reading to the next in a straight line (the trapezoid rule is exact for it).</summary>
    public static EnergySegment Ramp(long from, long to, double startKw, double endKw) =>
        new(from, to, (startKw + endKw) / 2 * Hours(to - from), startKw, endKw, EnergyMethods.Integrated, LongGap: false);

    /// <summary>The part of the energy that falls into <c>[from, to)</c>, which must overlap the segment.</summary>
    public double Within(long from, long to)
    {
        if (from <= From && to >= To)
        {
            return KWh;
        }

        double span = To - From;
        var start = (from - From) / span;
        var end = (to - From) / span;
        var rise = EndKw - StartKw;
        return rise == 0
            ? KWh * (end - start)
            : (StartKw + (rise * start) + StartKw + (rise * end)) / 2 * Hours(to - from);
    }

    public static double Hours(long ticks) => (double)ticks / TimeSpan.TicksPerHour;
}
