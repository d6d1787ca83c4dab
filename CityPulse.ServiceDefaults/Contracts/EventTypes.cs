using System.Collections.Frozen;

namespace CityPulse.Contracts;

/// <summary>
/// The events that each topic tells, as <c>docs/realtime.md</c> lists them. Clients rely on getting no other, so Realtime passes
/// nothing else on, whatever another version of Api has written.
/// </summary>
public static class EventTypes
{
    public static readonly FrozenSet<string> Readings = Set(StreamRecord.ReadingsType);

    public static readonly FrozenSet<string> Alerts = Set(
        "alert.raised", "alert.acknowledged", "alert.cleared", "alert.closed", "alert.shelved", "alert.commented");

    public static readonly FrozenSet<string> Buildings = Set(
        "building.created", "building.updated", "building.deleted", "sensor.created", "sensor.updated", "sensor.deleted");

    public static readonly FrozenSet<string> Energy = Set("energy.updated");

    public static readonly FrozenSet<string> SwarmRun = Set("swarm.step", "swarm.delta", "swarm.finished");

    public static readonly FrozenSet<string> Presence = Set("presence.changed");

    private static FrozenSet<string> Set(params string[] types) => types.ToFrozenSet(StringComparer.Ordinal);
}
