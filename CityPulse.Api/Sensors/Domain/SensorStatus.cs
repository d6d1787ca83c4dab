namespace CityPulse.Api.Sensors.Domain;

/// <summary>Whether a sensor still reports, from its last reading.</summary>
internal static class SensorStatus
{
    public const string Online = "online";
    /// <summary>Nothing for three of its intervals.</summary>
    public const string Stale = "stale";
    /// <summary>Nothing for a day, or for three intervals where those are longer.</summary>
    public const string Offline = "offline";
    /// <summary>Nothing ever.</summary>
    public const string Never = "never";

    public static readonly string[] All = [Online, Stale, Offline, Never];

    public const int IntervalsUntilStale = 3;
    public static readonly TimeSpan UntilOffline = TimeSpan.FromHours(24);

    public static string Of(DateTimeOffset? lastReadingAt, int intervalSeconds, DateTimeOffset now)
    {
        if (lastReadingAt is not { } at)
        {
            return Never;
        }

        var silence = now - at;
        // A meter that reports once a day is not offline between two of its readings.
        return silence < TimeSpan.FromSeconds((double)IntervalsUntilStale * intervalSeconds) ? Online
            : silence < UntilOffline ? Stale
            : Offline;
    }

    /// <summary>When silence alone will change the status; null when it will not.</summary>
    public static DateTimeOffset? ChangesAt(DateTimeOffset? lastReadingAt, int intervalSeconds, DateTimeOffset now)
    {
        if (lastReadingAt is not { } at)
        {
            return null;
        }

        var stale = at + TimeSpan.FromSeconds((double)IntervalsUntilStale * intervalSeconds);
        return now < stale ? stale
            : now < at + UntilOffline ? at + UntilOffline
            : null;
    }
}
