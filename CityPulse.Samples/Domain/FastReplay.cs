namespace CityPulse.Samples.Domain;

/// <summary>
/// A recording played faster than life, round and round. Which row is shown follows from the clock alone, so a restart
/// goes on where the film would be and keeps nothing.
/// </summary>
internal static class FastReplay
{
    public static long StepAt(DateTimeOffset now, int stepSeconds) => now.ToUnixTimeSeconds() / stepSeconds;

    public static SourceRow RowAt(IReadOnlyList<SourceRow> rows, long step) => rows[(int)(step % rows.Count)];
}
