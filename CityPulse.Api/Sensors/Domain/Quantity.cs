using System.Collections.Frozen;

namespace CityPulse.Api.Sensors.Domain;

/// <summary>Something that a sensor can measure, and the units of its dimension.</summary>
/// <param name="BaseUnit">UCUM code of the unit that the factors lead to.</param>
/// <param name="DefaultUnit">UCUM code taken when a sensor names none.</param>
internal sealed record Quantity(
    string Name,
    string BaseUnit,
    FrozenDictionary<string, UnitConversion> Units,
    string DefaultUnit,
    string DefaultKind,
    int DefaultIntervalSeconds)
{
    public bool Allows(string unit) => Units.ContainsKey(Ucum.WithoutAnnotations(unit));

    /// <summary>The value in <see cref="BaseUnit"/>.</summary>
    /// <exception cref="KeyNotFoundException">The unit is of another dimension.</exception>
    public double ToBase(double value, string unit) => Units[Ucum.WithoutAnnotations(unit)].ToBase(value);

    /// <summary>A value of the base unit in <paramref name="unit"/>.</summary>
    /// <exception cref="KeyNotFoundException">The unit is of another dimension.</exception>
    public double FromBase(double value, string unit) => Units[Ucum.WithoutAnnotations(unit)].FromBase(value);
}

/// <summary>base = value · <paramref name="Factor"/> + <paramref name="Offset"/>.</summary>
internal readonly record struct UnitConversion(double Factor, double Offset = 0)
{
    public double ToBase(double value) => (value * Factor) + Offset;

    public double FromBase(double value) => (value - Offset) / Factor;
}

internal static class Ucum
{
    /// <summary>
    /// The code without its annotations: text in braces says what is counted and changes nothing, so
    /// <c>{vehicles}/h</c> is <c>/h</c> and <c>{persons}</c> is <c>1</c>.
    /// </summary>
    public static string WithoutAnnotations(string unit)
    {
        var open = unit.IndexOf('{', StringComparison.Ordinal);
        if (open < 0)
        {
            return unit;
        }

        var close = unit.IndexOf('}', open);
        if (close < 0)
        {
            return unit;
        }

        var rest = WithoutAnnotations(unit[..open] + unit[(close + 1)..]);
        return rest.Length == 0 ? "1" : rest;
    }
}

/// <summary>How a sensor's values hang together in time.</summary>
internal static class SensorKinds
{
    /// <summary>Instantaneous.</summary>
    public const string Gauge = "gauge";
    /// <summary>Cumulative; may roll over or be reset.</summary>
    public const string Counter = "counter";
    /// <summary>The amount of an interval.</summary>
    public const string Delta = "delta";

    public static readonly string[] All = [Gauge, Counter, Delta];
}

/// <summary>What a gauge's value is between two readings.</summary>
internal static class Interpolations
{
    public const string Linear = "linear";
    public const string Previous = "previous";

    public static readonly string[] All = [Linear, Previous];
}

/// <summary>Which end of its interval the time of a delta names.</summary>
internal static class IntervalLabels
{
    public const string Start = "start";
    public const string End = "end";

    public static readonly string[] All = [Start, End];
}
