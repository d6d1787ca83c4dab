using System.Text.Json.Serialization;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Http;
using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Alerts;

/// <summary>What a client writes of a rule.</summary>
public sealed record RuleRequest
{
    /// <summary>Required.</summary>
    public string? Name { get; init; }
    /// <summary>True unless given.</summary>
    public bool? Enabled { get; init; }
    /// <summary>Required: which sensors; its members are all of them conditions, and without any it is every sensor.</summary>
    public ScopeModel? Scope { get; init; }
    /// <summary>Required.</summary>
    public ConditionModel? Condition { get; init; }
    /// <summary>Required: <c>info</c>, <c>warning</c> or <c>critical</c>.</summary>
    public string? Severity { get; init; }
    /// <summary>The alerts' text; without it, one is made of sensor, value and limit.</summary>
    public string? Message { get; init; }
    /// <summary>Periods in which no alert begins.</summary>
    public IReadOnlyList<MaintenanceModel>? Maintenance { get; init; }
}

public sealed record ScopeModel
{
    public Guid? SensorId { get; init; }
    public Guid? BuildingId { get; init; }
    public string? Quantity { get; init; }
    /// <summary>A tag of the sensor.</summary>
    public string? Tag { get; init; }
}

/// <summary>Half-open period in which a rule raises nothing new; what still holds at its end is raised then.</summary>
public sealed record MaintenanceModel
{
    /// <summary>Required.</summary>
    public DateTimeOffset? From { get; init; }
    /// <summary>Required.</summary>
    public DateTimeOffset? To { get; init; }
    public string? Reason { get; init; }
}

/// <summary>
/// <c>threshold</c> (<c>operator</c>, <c>value</c>, <c>hysteresis</c>), <c>rate_of_change</c> (<c>perMinutes</c>, <c>value</c>),
/// <c>no_data</c> (<c>afterSeconds</c>), <c>anomaly</c> (<c>sensitivity</c>), <c>energy_budget</c> (<c>kwh</c>, <c>period</c>), or <c>all</c> or <c>any</c> of several
/// <c>conditions</c> on the same sensor. <c>forSeconds</c> is the on-delay and <c>offDelaySeconds</c> the off-delay of those that have them.
/// </summary>
public sealed record ConditionModel
{
    /// <summary>Required.</summary>
    public string? Type { get; init; }
    /// <summary><c>&gt;</c>, <c>&gt;=</c>, <c>&lt;</c> or <c>&lt;=</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Operator { get; init; }
    /// <summary>The limit in the sensor's unit; for <c>rate_of_change</c> the largest change, up or down.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Value { get; init; }
    /// <summary>How far back across the limit the value must come to clear.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Hysteresis { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ForSeconds { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? OffDelaySeconds { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? PerMinutes { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? AfterSeconds { get; init; }
    /// <summary>1 (few) to 10 (many), 5 unless given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Sensitivity { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Kwh { get; init; }
    /// <summary><c>day</c> or <c>month</c>, of the building's own calendar.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Period { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ConditionModel>? Conditions { get; init; }
}

public sealed record RuleFilter(
    [FromQuery(Name = "enabled")] bool? Enabled,
    [FromQuery(Name = "limit")] int? Limit,
    [FromQuery(Name = "cursor")] string? Cursor);

internal sealed record RuleResponse(
    Guid Id,
    string Name,
    bool Enabled,
    ScopeModel Scope,
    ConditionModel Condition,
    AlertSeverity Severity,
    string? Message,
    IReadOnlyList<MaintenanceModel> Maintenance,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    int Version)
{
    public string ETag() => ETags.Of(Id, Version);
}
