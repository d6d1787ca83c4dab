namespace CityPulse.Api.Analytics.Domain;

/// <summary>What a cumulative register counted from reading to reading, as an amount for one interval, so that a late reading is no peak.</summary>
/// <param name="interval">The sensor's interval, in the unit of the times.</param>
internal sealed class CounterSteps(long interval)
{
    private (long At, double Value)? _before;

    /// <summary>Null for the first reading, and where the register went back: reset or rolled over, what was counted is not known.</summary>
    public double? Next(long at, double value)
    {
        var before = _before;
        _before = (at, value);
        return before is { } earlier && value >= earlier.Value && at > earlier.At
            ? (value - earlier.Value) * interval / (at - earlier.At)
            : null;
    }
}
