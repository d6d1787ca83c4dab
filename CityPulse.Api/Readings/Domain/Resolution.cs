namespace CityPulse.Api.Readings.Domain;

/// <summary>How finely readings are told: each by itself, or in buckets.</summary>
internal enum Resolution
{
    Raw,
    Minute,
    QuarterHour,
    Hour,
    Day,
}

internal static class Resolutions
{
    public const string Expected = "raw, 1m, 15m, 1h, 1d or auto";

    /// <summary>About as many points as a chart can show.</summary>
    private const int AutoPoints = 1000;

    public static string Name(this Resolution resolution) => resolution switch
    {
        Resolution.Raw => "raw",
        Resolution.Minute => "1m",
        Resolution.QuarterHour => "15m",
        Resolution.Hour => "1h",
        Resolution.Day => "1d",
        _ => throw new ArgumentOutOfRangeException(nameof(resolution), resolution, "This is no resolution."),
    };

    /// <summary>Reads a resolution; <c>auto</c> is the finest in buckets that gives about a thousand points for <paramref name="period"/>.</summary>
    public static Resolution? Parse(string? text, TimeSpan period) => text switch
    {
        null or "raw" => Resolution.Raw,
        "1m" => Resolution.Minute,
        "15m" => Resolution.QuarterHour,
        "1h" => Resolution.Hour,
        "1d" => Resolution.Day,
        "auto" when period <= AutoPoints * TimeSpan.FromMinutes(1) => Resolution.Minute,
        "auto" when period <= AutoPoints * TimeSpan.FromMinutes(15) => Resolution.QuarterHour,
        "auto" when period <= AutoPoints * TimeSpan.FromHours(1) => Resolution.Hour,
        "auto" => Resolution.Day,
        _ => null,
    };
}
