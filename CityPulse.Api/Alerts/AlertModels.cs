using System.Text.Json.Serialization;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Http;
using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Alerts;

/// <summary>Filters of the list of alerts.</summary>
/// <param name="State">A state, or <c>shelved</c>.</param>
/// <param name="From">Raised at this time or later.</param>
/// <param name="To">Raised before this time.</param>
public sealed record AlertFilter(
    [FromQuery(Name = "state")] string? State,
    [FromQuery(Name = "severity")] string? Severity,
    [FromQuery(Name = "buildingId")] Guid? BuildingId,
    [FromQuery(Name = "sensorId")] Guid? SensorId,
    [FromQuery(Name = "ruleId")] Guid? RuleId,
    [FromQuery(Name = "from")] string? From,
    [FromQuery(Name = "to")] string? To,
    [FromQuery(Name = "limit")] int? Limit,
    [FromQuery(Name = "cursor")] string? Cursor);

/// <summary>What a person may say about it.</summary>
public sealed record AcknowledgeRequest
{
    public string? Comment { get; init; }
}

public sealed record CommentRequest
{
    /// <summary>Required.</summary>
    public string? Comment { get; init; }
}

public sealed record ShelveRequest
{
    /// <summary>Required: for how long.</summary>
    public int? Minutes { get; init; }
    /// <summary>Required.</summary>
    public string? Reason { get; init; }
}

/// <param name="SensorId">Null for an alert of a whole building.</param>
/// <param name="Value">What raised it; null where no reading had come.</param>
/// <param name="Threshold">The rule's limit; null where several conditions are combined.</param>
/// <param name="RaisedAt">By the readings' time, as <paramref name="ClearedAt"/>.</param>
/// <param name="AcknowledgedBy">Id of the user.</param>
/// <param name="Occurrences">How often the limit was crossed; deadband and off-delay can join several times into one alert.</param>
internal sealed record AlertResponse(
    Guid Id,
    Guid RuleId,
    Guid? SensorId,
    Guid BuildingId,
    AlertSeverity Severity,
    AlertState State,
    double? Value,
    double? Threshold,
    string Message,
    DateTimeOffset RaisedAt,
    DateTimeOffset? AcknowledgedAt,
    Guid? AcknowledgedBy,
    DateTimeOffset? ClearedAt,
    DateTimeOffset? ClosedAt,
    DateTimeOffset? ShelvedUntil,
    int Occurrences,
    int Version)
{
    /// <summary>Every transition in order; shown with a single alert only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AlertEntryModel>? History { get; init; }

    public string ETag() => ETags.Of(Id, Version);
}

/// <param name="At">When it happened; what the readings did, by the readings' time.</param>
/// <param name="RecordedAt">When it was noted.</param>
/// <param name="Action"><c>raised</c>, <c>cleared</c>, <c>acknowledged</c>, <c>commented</c>, <c>shelved</c>, <c>unshelved</c>, <c>closed</c>, <c>corrected</c>, <c>withdrawn</c>, <c>suppressed</c> or <c>retired</c>.</param>
/// <param name="State">The state afterwards.</param>
/// <param name="By">Id of the user; null for the system.</param>
internal sealed record AlertEntryModel(
    DateTimeOffset At, DateTimeOffset RecordedAt, string Action, AlertState State, Guid? By, string? ByName, string? Comment);
