namespace CityPulse.Api.Energy.Domain;

/// <summary>What a meter draws at the moment, as far as its newest readings tell.</summary>
internal static class CurrentPower
{
    /// <param name="at">Time of the newest reading (UTC ticks).</param>
    /// <param name="before">The reading before it, if there is one.</param>
    /// <returns>kW; 0 when the newest reading is too old to say anything.</returns>
    public static double Of(MeterSpec spec, long at, double value, (long At, double Value)? before, long now)
    {
        // The interval of a reading may begin at it; only then it counts from its end.
        var known = spec.Kind == MeterKind.DeltaFromStart ? at + spec.Interval.Ticks : at;
        if (now - known > spec.LongestStep)
        {
            return 0;
        }

        return spec.Kind switch
        {
            MeterKind.PowerLinear or MeterKind.PowerHeld => value * spec.ToKWh,
            MeterKind.DeltaFromStart or MeterKind.DeltaToEnd => value * spec.ToKWh / spec.Interval.TotalHours,
            // A register that fell was reset or rolled over: the next step tells.
            MeterKind.Counter => before is { } b && at > b.At && at - b.At <= spec.LongestStep && value >= b.Value
                ? (value - b.Value) * spec.ToKWh / EnergySegment.Hours(at - b.At)
                : 0,
            _ => throw new ArgumentOutOfRangeException(nameof(spec)),
        };
    }
}
