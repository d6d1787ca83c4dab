namespace CityPulse.Contracts;

/// <summary>Names of the live stream's topics (see <c>docs/realtime.md</c>).</summary>
public static class Topics
{
    public const string Readings = "readings";
    public const string Alerts = "alerts";
    public const string Buildings = "buildings";
    public const string Energy = "energy";
    public const string Presence = "presence";

    public static string BuildingReadings(Guid buildingId) => $"buildings/{buildingId:D}/readings";
    public static string SensorReadings(Guid sensorId) => $"sensors/{sensorId:D}/readings";
    public static string BuildingAlerts(Guid buildingId) => $"buildings/{buildingId:D}/alerts";
    public static string SwarmRun(Guid runId) => $"swarm/{runId:D}";
}
