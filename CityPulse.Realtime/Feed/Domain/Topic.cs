using System.Diagnostics;
using CityPulse.Contracts;

namespace CityPulse.Realtime.Feed.Domain;

internal enum TopicKind
{
    Readings,
    BuildingReadings,
    SensorReadings,
    Alerts,
    BuildingAlerts,
    Buildings,
    Energy,
    SwarmRun,
    Presence,
}

/// <summary>
/// One topic of the live stream. A small value rather than its text, so that a batch of readings is matched against the
/// subscriptions without writing a string for every sensor in it.
/// </summary>
internal readonly record struct Topic(TopicKind Kind, Guid Id = default)
{
    public const string Building = "building";
    public const string Sensor = "sensor";

    /// <summary>What <see cref="Id"/> is one of, where it is a thing of the city.</summary>
    public string? Resource => Kind switch
    {
        TopicKind.BuildingReadings or TopicKind.BuildingAlerts => Building,
        TopicKind.SensorReadings => Sensor,
        _ => null,
    };

    /// <summary>The events that it tells.</summary>
    public IReadOnlySet<string> Types => Kind switch
    {
        TopicKind.Readings or TopicKind.BuildingReadings or TopicKind.SensorReadings => EventTypes.Readings,
        TopicKind.Alerts or TopicKind.BuildingAlerts => EventTypes.Alerts,
        TopicKind.Buildings => EventTypes.Buildings,
        TopicKind.Energy => EventTypes.Energy,
        TopicKind.SwarmRun => EventTypes.SwarmRun,
        TopicKind.Presence => EventTypes.Presence,
        _ => throw new UnreachableException(),
    };

    /// <summary>What the caller must be allowed to in order to follow the topic.</summary>
    public Permission Permission => Kind switch
    {
        TopicKind.SwarmRun => Permission.ReadSwarm,
        TopicKind.Presence => Permission.Realtime,
        _ => Permission.ReadCity,
    };

    /// <summary>Reads a topic as clients and records name it; ids in any letter case, everything else exactly.</summary>
    public static bool TryParse(string? text, out Topic topic)
    {
        topic = default;
        if (text is null || text.Length > 64)
        {
            return false;
        }

        var parts = text.Split('/');
        TopicKind? kind = parts switch
        {
            [Topics.Readings] => TopicKind.Readings,
            [Topics.Alerts] => TopicKind.Alerts,
            [Topics.Buildings] => TopicKind.Buildings,
            [Topics.Energy] => TopicKind.Energy,
            [Topics.Presence] => TopicKind.Presence,
            ["buildings", _, "readings"] => TopicKind.BuildingReadings,
            ["buildings", _, "alerts"] => TopicKind.BuildingAlerts,
            ["sensors", _, "readings"] => TopicKind.SensorReadings,
            ["swarm", _] => TopicKind.SwarmRun,
            _ => null,
        };
        if (kind is not { } known)
        {
            return false;
        }

        var id = Guid.Empty;
        if (parts.Length > 1 && !Guid.TryParseExact(parts[1], "D", out id))
        {
            return false;
        }

        topic = new Topic(known, id);
        return true;
    }

    public override string ToString() => Kind switch
    {
        TopicKind.Readings => Topics.Readings,
        TopicKind.Alerts => Topics.Alerts,
        TopicKind.Buildings => Topics.Buildings,
        TopicKind.Energy => Topics.Energy,
        TopicKind.Presence => Topics.Presence,
        TopicKind.BuildingReadings => Topics.BuildingReadings(Id),
        TopicKind.BuildingAlerts => Topics.BuildingAlerts(Id),
        TopicKind.SensorReadings => Topics.SensorReadings(Id),
        TopicKind.SwarmRun => Topics.SwarmRun(Id),
        _ => throw new UnreachableException(),
    };
}
