using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;

namespace CityPulse.Api.Alerts;

/// <summary>One episode of one rule on one sensor, or on a building as a whole. Its times are the readings' times.</summary>
internal sealed class Alert : TenantEntity
{
    public Guid RuleId { get; init; }
    /// <summary>The rule's <see cref="AlertRule.Revision"/> that raised it; alerts of an older one are no longer judged.</summary>
    public int Revision { get; init; }
    /// <summary>The sensor, or the building where there is none.</summary>
    public Guid SubjectId { get; init; }
    public Guid? SensorId { get; init; }
    public Guid BuildingId { get; init; }
    public AlertSeverity Severity { get; init; }
    public AlertState State { get; private set; } = AlertFacts.Raised.State;
    public bool IsActive { get; private set; } = true;
    public bool IsAcknowledged { get; private set; }
    public bool IsSettled { get; private set; }
    /// <summary>Follows the readings no more: withdrawn or retired.</summary>
    public bool IsDetached { get; set; }
    /// <summary>Corrected readings show that it never was.</summary>
    public bool IsWithdrawn { get; set; }
    public double? Value { get; set; }
    public double? Threshold { get; init; }
    public required string Message { get; set; }
    public DateTimeOffset RaisedAt { get; set; }
    public DateTimeOffset? AcknowledgedAt { get; set; }
    public Guid? AcknowledgedBy { get; set; }
    public DateTimeOffset? ClearedAt { get; set; }
    public DateTimeOffset? ClosedAt { get; set; }
    public DateTimeOffset? ShelvedUntil { get; set; }
    public int Occurrences { get; set; }

    public AlertFacts Facts
    {
        get => new(IsActive, IsAcknowledged, ShelvedUntil is not null, IsSettled);
        set
        {
            (IsActive, IsAcknowledged, IsSettled, State) = (value.Active, value.Acknowledged, value.Settled, value.State);
            ShelvedUntil = value.Shelved ? ShelvedUntil : null;
        }
    }
}

/// <summary>A line of an alert's history.</summary>
internal sealed class AlertEntry
{
    public long Id { get; init; }
    public Guid OrganizationId { get; init; }
    public Guid AlertId { get; init; }
    /// <summary>When it happened: what the readings did, by the readings' time.</summary>
    public DateTimeOffset At { get; init; }
    /// <summary>When it was noted.</summary>
    public DateTimeOffset RecordedAt { get; init; }
    public required string Action { get; init; }
    public AlertState State { get; init; }
    /// <summary>Who did it; null for the system.</summary>
    public Guid? ByUser { get; init; }
    public string? Comment { get; init; }
}
