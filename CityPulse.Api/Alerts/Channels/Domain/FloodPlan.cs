using CityPulse.Api.Alerts.Domain;

namespace CityPulse.Api.Alerts.Channels.Domain;

/// <summary>
/// Tells a flood (more than 10 alerts in 10 minutes, ISA-18.2) in few messages: the first ten alerts come one by one, the others are gathered and
/// come as one, a minute after the flood began and then every ten minutes. A critical one waits no longer than a minute.
/// </summary>
internal static class FloodPlan
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);

    /// <param name="toldOf">Of how many new alerts a channel has heard within <see cref="Window"/>.</param>
    /// <returns>Whether what comes next is gathered.</returns>
    public static bool IsFlood(int toldOf) => toldOf >= AlarmFigures.FloodPer10Minutes;

    /// <param name="first">Since when something is gathered.</param>
    /// <param name="last">When the channel was last told of a flood.</param>
    public static DateTimeOffset DueAt(DateTimeOffset first, bool hasCritical, DateTimeOffset? last)
    {
        var soonest = first + Shortest;
        return !hasCritical && last is { } told && told + Window > soonest ? told + Window : soonest;
    }
}
