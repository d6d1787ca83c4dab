namespace CityPulse.Api.Auth.Domain;

/// <summary>When keys follow each other.</summary>
/// <param name="Lifetime">How long a key signs.</param>
/// <param name="PublishedAhead">How long a key is published before it signs: whoever keeps the public keys for less has it by then.</param>
/// <param name="Overlap">How long a key is published after it has signed for the last time: at least as long as its last token is good.</param>
internal sealed record KeyPolicy(TimeSpan Lifetime, TimeSpan PublishedAhead, TimeSpan Overlap);

/// <summary>The life of signing keys: published, signing, verifying only, gone.</summary>
internal static class KeySchedule
{
    /// <summary>The index of the key that signs: the newest one whose time has come; on a clock that is behind all of them the oldest.</summary>
    /// <param name="signsFrom">Newest first.</param>
    public static int Signing(IReadOnlyList<DateTimeOffset> signsFrom, DateTimeOffset now)
    {
        for (var i = 0; i < signsFrom.Count; i++)
        {
            if (signsFrom[i] <= now)
            {
                return i;
            }
        }

        return signsFrom.Count - 1;
    }

    /// <summary>From when the next key is to sign, when it is time to publish one; else null.</summary>
    /// <param name="newest">From when the newest key signs; null when there is none.</param>
    public static DateTimeOffset? Next(DateTimeOffset? newest, DateTimeOffset now, KeyPolicy policy)
    {
        if (newest is not { } start)
        {
            return now;
        }

        var end = start + policy.Lifetime;
        if (end - policy.PublishedAhead > now)
        {
            return null;
        }

        // However late it is: nobody may meet a token before its key.
        var earliest = now + policy.PublishedAhead;
        return end > earliest ? end : earliest;
    }

    /// <summary>Until when a key is published that another one follows.</summary>
    public static DateTimeOffset End(DateTimeOffset successor, KeyPolicy policy) => successor + policy.Overlap;
}
