namespace CityPulse.Api.Alerts.Domain;

internal enum Comparison
{
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// <summary>What a rule asks of a sensor's readings. Numbers are in the sensor's own unit.</summary>
internal abstract record AlertCondition
{
    /// <summary>How much history before the first judged reading teaches it what is usual.</summary>
    public virtual TimeSpan Lessons => TimeSpan.Zero;

    /// <summary>The number that an alert shows beside its value; null where there is none.</summary>
    public abstract double? Limit { get; }
}

/// <summary>How long a condition must hold before it counts, and how long it must be gone before it counts no more.</summary>
internal readonly record struct Delays(int OnSeconds, int OffSeconds)
{
    public bool AreNone => OnSeconds == 0 && OffSeconds == 0;
}

/// <param name="Hysteresis">How far back across the limit a value must come to clear (the deadband).</param>
internal sealed record ThresholdCondition(Comparison Comparison, double Value, double Hysteresis, Delays Delays) : AlertCondition
{
    public override double? Limit => Value;
}

/// <summary>A change of more than <paramref name="Value"/>, up or down, within so many minutes.</summary>
internal sealed record RateCondition(double PerMinutes, double Value, Delays Delays) : AlertCondition
{
    public override double? Limit => Value;
}

/// <summary>No reading for so long.</summary>
internal sealed record NoDataCondition(int AfterSeconds) : AlertCondition
{
    public override double? Limit => AfterSeconds;
}

/// <summary>All or any of several conditions on the same sensor.</summary>
internal sealed record CombinedCondition(bool All, IReadOnlyList<AlertCondition> Conditions, Delays Delays) : AlertCondition
{
    public override double? Limit => null;

    public override TimeSpan Lessons => Conditions.Max(c => c.Lessons);
}

/// <param name="Sensitivity">1 (few) to 10 (many).</param>
internal sealed record AnomalyCondition(double Sensitivity) : AlertCondition
{
    public override double? Limit => null;

    /// <summary>The course of a week needs about four of them.</summary>
    public override TimeSpan Lessons => TimeSpan.FromDays(28);
}

internal enum BudgetPeriod
{
    Day,
    Month,
}

/// <summary>More energy than this in a day or month of the building.</summary>
internal sealed record EnergyBudgetCondition(double KWh, BudgetPeriod Period) : AlertCondition
{
    public override double? Limit => KWh;
}
