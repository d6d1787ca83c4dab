namespace CityPulse.AppHost.Standalone.Running;

/// <summary>How long to wait before a crashed process is started again, and when to give up.</summary>
internal static class RestartPolicy
{
    /// <summary>A process that was never healthy and ended this often will not get better by itself.</summary>
    public const int GiveUpAfter = 3;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>0.5 s, doubled with every crash in a row, at most 30 s.</summary>
    public static TimeSpan Delay(int crashesInARow) => crashesInARow >= 7 ? Longest : TimeSpan.FromSeconds(0.5 * Math.Pow(2, crashesInARow - 1));

    /// <summary>Who ran this long without a crash starts counting anew.</summary>
    public static bool Recovered(TimeSpan ranFor) => ranFor >= TimeSpan.FromMinutes(1);

    public static bool GivesUp(bool wasEverHealthy, int crashesInARow) => !wasEverHealthy && crashesInARow >= GiveUpAfter;
}
