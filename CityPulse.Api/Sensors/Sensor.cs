using CityPulse.Api.Data;

namespace CityPulse.Api.Sensors;

/// <summary>One measured point.</summary>
internal sealed class Sensor : TenantEntity
{
    /// <summary>Short key of the sensor in the readings table, where four bytes instead of sixteen count.</summary>
    public int Key { get; init; }
    public Guid BuildingId { get; set; }
    public string? ExternalId { get; set; }
    public required string Name { get; set; }
    public required string Quantity { get; set; }
    /// <summary>UCUM code.</summary>
    public required string Unit { get; set; }
    /// <summary><c>gauge</c>, <c>counter</c> or <c>delta</c>.</summary>
    public required string Kind { get; set; }
    public int IntervalSeconds { get; set; }
    public double? MinValue { get; set; }
    public double? MaxValue { get; set; }
    /// <summary>Gauges: <c>linear</c> or <c>previous</c>.</summary>
    public required string Interpolation { get; set; }
    /// <summary>Deltas: whether the reading's time is the interval's <c>start</c> or <c>end</c>.</summary>
    public required string IntervalLabel { get; set; }
    /// <summary>Counters: the value at which the register starts again at 0.</summary>
    public double? RegisterMaximum { get; set; }
    public double? RatedPowerKw { get; set; }
    public bool Submeter { get; set; }
    public string[] Tags { get; set; } = [];
}
