using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Analytics.Domain;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Api.Sensors;

namespace CityPulse.Api.Alerts.Evaluation;

/// <summary>A sensor as rules see it.</summary>
internal sealed record WatchedSensor(
    Guid Id, int Key, Guid BuildingId, string Name, string Quantity, string Unit, string[] Tags, DateTimeOffset CreatedAt)
{
    public static WatchedSensor Of(Sensor s) => new(s.Id, s.Key, s.BuildingId, s.Name, s.Quantity, s.Unit, s.Tags, s.CreatedAt);
}

/// <summary>A rule, read and ready to judge.</summary>
internal sealed record JudgedRule(AlertRule Rule, AlertCondition Condition, IReadOnlyList<TimeSlot> Maintenance)
{
    public Guid Id => Rule.Id;

    public int Revision => Rule.Revision;

    /// <summary>About a building's sensors one by one; a building that is silent as a whole is one alert, not one for each.</summary>
    public bool IsAboutSilence => Condition is NoDataCondition && Rule.SensorId is null;

    public static JudgedRule Of(AlertRule rule) => new(
        rule,
        RuleChecks.ConditionOf(rule).ToDomain(),
        [.. RuleChecks.MaintenanceOf(rule.Maintenance)
            .Select(m => new TimeSlot(Timestamp.FromDateTimeOffset(m.From!.Value), Timestamp.FromDateTimeOffset(m.To!.Value)))]);

    /// <summary>The same decision as <c>alert_watches</c> in the database.</summary>
    public bool Covers(WatchedSensor sensor) =>
        (Rule.SensorId ?? sensor.Id) == sensor.Id
        && (Rule.BuildingId ?? sensor.BuildingId) == sensor.BuildingId
        && (Rule.Quantity ?? sensor.Quantity) == sensor.Quantity
        && (Rule.Tag is null || sensor.Tags.Contains(Rule.Tag));
}

/// <summary>Whose alerts they are: a sensor's, or a building's as a whole.</summary>
internal sealed record Subject(Guid Id, Guid BuildingId, Guid? SensorId, string Name, string? Unit)
{
    public SensorTraits? Traits { get; private init; }

    /// <param name="zone">Of its building.</param>
    public static Subject Of(WatchedSensor sensor, TimeZoneInfo zone) => new(sensor.Id, sensor.BuildingId, sensor.Id, sensor.Name, sensor.Unit)
    {
        Traits = new SensorTraits(zone, LeastSpreads.Of(sensor.Quantity, sensor.Unit)),
    };

    public static Subject OfBuilding(Guid id, string name) => new(id, id, null, name, null);
}
