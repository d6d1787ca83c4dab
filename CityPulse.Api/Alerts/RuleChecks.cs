using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Api.Sensors.Domain;
using CityPulse.ServiceDefaults.Json;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Alerts;

/// <summary>What a rule must be, and how a request becomes one.</summary>
internal static class RuleChecks
{
    public const int MaxName = 200;
    public const int MaxMessage = 500;
    private const int MaxWindows = 100;

    /// <summary>Members of the resource that clients read and never write.</summary>
    public static readonly string[] ReadOnly = ["id", "createdAt", "updatedAt", "version"];

    public static Validator Check(RuleRequest request)
    {
        var check = new Validator();
        check.Required("name", request.Name, MaxName);
        check.Check(request.Severity is not null, "severity", "severity is required.");
        check.OneOf("severity", request.Severity, Words.All<AlertSeverity>());
        check.Optional("message", request.Message, MaxMessage);
        if (check.Check(request.Scope is not null, "scope", "scope is required; {} is every sensor."))
        {
            check.OneOf("scope.quantity", request.Scope!.Quantity, QuantityTable.All.Keys);
            check.Optional("scope.tag", request.Scope.Tag, Validator.MaxTagLength);
        }

        ConditionChecks.Check(check, "condition", request.Condition);
        check.Check(request.Condition?.Type != "energy_budget" || (request.Scope?.Quantity is null && request.Scope?.Tag is null),
            "scope", "A scope of energy_budget names a sensor, a building, or nothing for every building by itself.");
        CheckMaintenance(check, request.Maintenance);
        return check;
    }

    /// <summary>Sensor and building must be the organisation's own; others read exactly like missing ones.</summary>
    public static async Task CheckScopeAsync(Validator check, CityDb db, ScopeModel? scope, CancellationToken cancellationToken)
    {
        if (scope?.SensorId is { } sensor)
        {
            check.Check(await db.Sensors.AnyAsync(s => s.Id == sensor, cancellationToken), "scope.sensorId", "There is no such sensor.");
        }

        if (scope?.BuildingId is { } building)
        {
            check.Check(await db.Buildings.AnyAsync(b => b.Id == building, cancellationToken), "scope.buildingId", "There is no such building.");
        }
    }

    /// <summary>Writes a request that was found good. The revision grows when the rule judges something else from here on.</summary>
    public static void Write(this AlertRule rule, RuleRequest request, DateTimeOffset now)
    {
        var condition = JsonSerializer.Serialize(request.Condition, JsonDefaults.Options);
        var scope = request.Scope!;
        var enabled = request.Enabled ?? true;
        if (rule.Condition != condition || (rule.SensorId, rule.BuildingId, rule.Quantity, rule.Tag) != (scope.SensorId, scope.BuildingId, scope.Quantity, scope.Tag)
            || (enabled && !rule.Enabled))
        {
            rule.Revision++;
            rule.JudgedSince = now;
        }

        (rule.Name, rule.Enabled, rule.Message) = (request.Name!, enabled, request.Message);
        rule.Severity = Words.Parse<AlertSeverity>(request.Severity!);
        (rule.SensorId, rule.BuildingId, rule.Quantity, rule.Tag) = (scope.SensorId, scope.BuildingId, scope.Quantity, scope.Tag);
        rule.Condition = condition;
        rule.Maintenance = JsonSerializer.Serialize(request.Maintenance ?? [], JsonDefaults.Options);
    }

    public static RuleResponse Shape(AlertRule rule) => new(
        rule.Id, rule.Name, rule.Enabled,
        new ScopeModel { SensorId = rule.SensorId, BuildingId = rule.BuildingId, Quantity = rule.Quantity, Tag = rule.Tag },
        ConditionOf(rule), rule.Severity, rule.Message, MaintenanceOf(rule.Maintenance), rule.CreatedAt, rule.UpdatedAt, rule.Version);

    /// <summary>
    /// The request that a merge patch makes of a rule. A patch that names a type replaces the condition whole: another type has other
    /// members, and nobody should have to remove the former ones.
    /// </summary>
    public static Parsed<RuleRequest> Patch(AlertRule rule, JsonObject patch, JsonSerializerOptions options)
    {
        var shown = Shape(rule);
        return MergePatch.Apply(
            new RuleRequest
            {
                Name = shown.Name,
                Enabled = shown.Enabled,
                Scope = shown.Scope,
                Condition = patch["condition"] is JsonObject condition && condition.ContainsKey("type") ? null : shown.Condition,
                Severity = Words.Of(shown.Severity),
                Message = shown.Message,
                Maintenance = shown.Maintenance,
            },
            patch,
            options);
    }

    public static ConditionModel ConditionOf(AlertRule rule) => JsonSerializer.Deserialize<ConditionModel>(rule.Condition, JsonDefaults.Options)!;

    public static List<MaintenanceModel> MaintenanceOf(string json) => JsonSerializer.Deserialize<List<MaintenanceModel>>(json, JsonDefaults.Options)!;

    private static void CheckMaintenance(Validator check, IReadOnlyList<MaintenanceModel>? windows)
    {
        if (windows is null || !check.Check(windows.Count <= MaxWindows, "maintenance", $"maintenance must have at most {MaxWindows} entries."))
        {
            return;
        }

        for (var i = 0; i < windows.Count; i++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"maintenance[{i}]");
            if (windows[i] is not { } window)
            {
                check.Fail(path, $"{path} must not be null.");
                continue;
            }

            check.Check(window.From is not null, $"{path}.from", $"{path}.from is required.");
            check.Check(window.To is not null, $"{path}.to", $"{path}.to is required.");
            check.Check(!(window.From >= window.To), $"{path}.to", $"{path}.to must be after {path}.from.");
            check.Optional($"{path}.reason", window.Reason, MaxMessage);
        }
    }
}
