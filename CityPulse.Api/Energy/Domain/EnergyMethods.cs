namespace CityPulse.Api.Energy.Domain;

/// <summary>How an energy figure came about; a figure of several meters may have several.</summary>
[Flags]
internal enum EnergyMethods
{
    None = 0,
    /// <summary>Sum of measured interval amounts.</summary>
    Delta = 1,
    /// <summary>Differences of a cumulative register.</summary>
    Counter = 2,
    /// <summary>Power integrated over time.</summary>
    Integrated = 4,
    /// <summary>A known amount, but spread evenly over a gap that the figure cuts.</summary>
    Estimated = 8,
}

internal static class EnergyMethodNames
{
    /// <summary>The wire name: null without data, <c>mixed</c> when meters of different kinds add up.</summary>
    public static string? Name(this EnergyMethods methods) => methods switch
    {
        EnergyMethods.None => null,
        _ when methods.HasFlag(EnergyMethods.Estimated) => "estimated",
        EnergyMethods.Delta => "delta",
        EnergyMethods.Counter => "counter",
        EnergyMethods.Integrated => "integrated",
        _ => "mixed",
    };
}
