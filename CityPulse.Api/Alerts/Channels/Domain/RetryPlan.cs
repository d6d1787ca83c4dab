namespace CityPulse.Api.Alerts.Channels.Domain;

/// <summary>
/// When a delivery that failed is tried again: after a first delay, then twice as long each time up to an hour, each up to a fifth shorter or
/// longer, so that a receiver that comes back is not met by everything at once.
/// </summary>
internal static class RetryPlan
{
    public static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);
    private const double Spread = 0.2;

    /// <param name="attempts">How many have failed, this one included.</param>
    /// <param name="giveUpAt">The last attempt is at this time.</param>
    /// <param name="chance">From 0 to 1.</param>
    /// <returns>When it is tried again, or null: never.</returns>
    public static DateTimeOffset? Next(int attempts, TimeSpan firstDelay, DateTimeOffset now, DateTimeOffset giveUpAt, double chance)
    {
        if (now >= giveUpAt)
        {
            return null;
        }

        var doubled = firstDelay.TotalSeconds * Math.Pow(2, Math.Min(attempts - 1, 40));
        var next = now.AddSeconds(Math.Min(doubled, LongestDelay.TotalSeconds) * (1 + (Spread * ((2 * chance) - 1))));
        return next < giveUpAt ? next : giveUpAt;
    }
}
