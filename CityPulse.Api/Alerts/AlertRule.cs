using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;

namespace CityPulse.Api.Alerts;

/// <summary>What is watched, and when it is an alert.</summary>
internal sealed class AlertRule : TenantEntity
{
    public required string Name { get; set; }
    public bool Enabled { get; set; }
    public AlertSeverity Severity { get; set; }
    public string? Message { get; set; }
    public Guid? SensorId { get; set; }
    public Guid? BuildingId { get; set; }
    public string? Quantity { get; set; }
    public string? Tag { get; set; }
    /// <summary>A <see cref="ConditionModel"/> as JSON.</summary>
    public required string Condition { get; set; }
    /// <summary><see cref="MaintenanceModel"/>s as JSON.</summary>
    public required string Maintenance { get; set; }
    /// <summary>Grows when the rule begins to judge something else: by its condition, its scope, or by being enabled.</summary>
    public int Revision { get; set; }
    /// <summary>Since when the revision holds: silence counts from here where a sensor has never reported.</summary>
    public DateTimeOffset JudgedSince { get; set; }
}
