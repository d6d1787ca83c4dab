using System.Globalization;
using CityPulse.Api.Http;
using CityPulse.Api.Sensors.Domain;
using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Sensors;

/// <summary>What a client writes of a sensor; absent or null is the default of the quantity or nothing.</summary>
public sealed record SensorRequest
{
    /// <summary>Required.</summary>
    public Guid? BuildingId { get; init; }
    /// <summary>The device's own name for the sensor, unique in the organisation.</summary>
    public string? ExternalId { get; init; }
    /// <summary>Required.</summary>
    public string? Name { get; init; }
    /// <summary>Required: what is measured, such as <c>electric_energy</c>.</summary>
    public string? Quantity { get; init; }
    /// <summary>UCUM code of the quantity's dimension.</summary>
    public string? Unit { get; init; }
    /// <summary><c>gauge</c>, <c>counter</c> or <c>delta</c>.</summary>
    public string? Kind { get; init; }
    public int? IntervalSeconds { get; init; }
    /// <summary>Readings below are rejected.</summary>
    public double? MinValue { get; init; }
    /// <summary>Readings above are rejected.</summary>
    public double? MaxValue { get; init; }
    /// <summary>Gauges: <c>linear</c> or <c>previous</c>.</summary>
    public string? Interpolation { get; init; }
    /// <summary>Deltas: whether a reading's time is its interval's <c>start</c> or <c>end</c>.</summary>
    public string? IntervalLabel { get; init; }
    /// <summary>Counters: where the register starts again at 0.</summary>
    public double? RegisterMaximum { get; init; }
    public double? RatedPowerKw { get; init; }
    /// <summary>Its energy is part of another meter's and left out of totals.</summary>
    public bool? Submeter { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }
}

/// <summary>Filters of the list of sensors.</summary>
public sealed record SensorFilter(
    [FromQuery(Name = "buildingId")] Guid? BuildingId,
    [FromQuery(Name = "quantity")] string? Quantity,
    [FromQuery(Name = "status")] string? Status,
    [FromQuery(Name = "q")] string? Q,
    [FromQuery(Name = "limit")] int? Limit,
    [FromQuery(Name = "cursor")] string? Cursor);

internal sealed record LastReading(DateTimeOffset At, double Value);

internal sealed record SensorResponse(
    Guid Id,
    Guid BuildingId,
    string? ExternalId,
    string Name,
    string Quantity,
    string Unit,
    string Kind,
    int IntervalSeconds,
    double? MinValue,
    double? MaxValue,
    string? Interpolation,
    string? IntervalLabel,
    double? RegisterMaximum,
    double? RatedPowerKw,
    bool Submeter,
    string[] Tags,
    string Status,
    LastReading? LastReading,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    int Version)
{
    /// <summary>The status follows from the last reading here, so that the query looks it up once.</summary>
    public SensorResponse WithStatus(DateTimeOffset now) => this with { Status = SensorStatus.Of(LastReading?.At, IntervalSeconds, now) };

    /// <summary>A reader's tag follows the last reading and the status; a writer's precondition is about the version alone.</summary>
    public string ETag() => ETags.Of(Id, Version, LastReading is { } last
        ? string.Create(CultureInfo.InvariantCulture, $"{last.At.UtcTicks:x}-{BitConverter.DoubleToInt64Bits(last.Value):x}-{Status}")
        : null);
}
