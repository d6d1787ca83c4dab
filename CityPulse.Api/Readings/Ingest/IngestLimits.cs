namespace CityPulse.Api.Readings.Ingest;

/// <summary>What one call of ingest may carry.</summary>
internal static class IngestLimits
{
    public const int MaxRows = 100_000;

    /// <summary>Of the decoded body.</summary>
    public const int MaxBytes = 32 * 1024 * 1024;

    /// <summary>One name, number or line: what is longer is no reading, and must not be looked at again with every packet.</summary>
    public const int MaxTokenBytes = 64 * 1024;

    public const int MaxErrors = 100;

    public static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5);

    public static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
}
