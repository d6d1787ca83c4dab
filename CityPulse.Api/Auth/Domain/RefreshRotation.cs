namespace CityPulse.Api.Auth.Domain;

/// <summary>What is stored about a presented refresh token.</summary>
internal readonly record struct RefreshFacts(
    DateTimeOffset TokenExpiresAt,
    DateTimeOffset? SpentAt,
    DateTimeOffset FamilyExpiresAt,
    DateTimeOffset? FamilyRevokedAt,
    bool IsMember,
    bool IsOtherFrontend = false);

internal enum RefreshState
{
    /// <summary>Never issued, or cleaned away.</summary>
    Unknown,
    Fresh,
    /// <summary>Spent so short ago that two requests of one client may have crossed.</summary>
    SpentRecently,
    Spent,
    Expired,
    /// <summary>Fresh, but the request comes from another frontend than the family's.</summary>
    OtherFrontend,
    /// <summary>The family was ended, or the person is no longer an active member.</summary>
    Revoked,
}

internal enum RefreshOutcome
{
    /// <summary>Spend the token and issue its successor.</summary>
    Rotate,
    Refuse,
    /// <summary>Refuse and change nothing: the token stays good for its own frontend.</summary>
    OtherFrontend,
    /// <summary>Refuse, but let the family live: the other request has the successor.</summary>
    RefuseRace,
    /// <summary>Refuse and end the family: two parties hold the same token, and one of them stole it.</summary>
    RevokeFamily,
}

/// <summary>Rotation with reuse detection (RFC 9700, section 4.14.2), tolerant of one client that refreshes twice at once.</summary>
internal static class RefreshRotation
{
    /// <summary>An honest client's two requests (two tabs, a retry) cross within this time.</summary>
    public static readonly TimeSpan RaceWindow = TimeSpan.FromSeconds(5);

    // A spent token says "theft" even after its own end, as long as the family lives.
    public static RefreshState StateOf(RefreshFacts? stored, DateTimeOffset now) => stored switch
    {
        null => RefreshState.Unknown,
        { FamilyRevokedAt: not null } or { IsMember: false } => RefreshState.Revoked,
        { } facts when facts.FamilyExpiresAt <= now => RefreshState.Expired,
        { SpentAt: { } spent } => now - spent <= RaceWindow ? RefreshState.SpentRecently : RefreshState.Spent,
        { } facts when facts.TokenExpiresAt <= now => RefreshState.Expired,
        { IsOtherFrontend: true } => RefreshState.OtherFrontend,
        _ => RefreshState.Fresh,
    };

    public static RefreshOutcome Decide(RefreshState state) => state switch
    {
        RefreshState.Fresh => RefreshOutcome.Rotate,
        RefreshState.OtherFrontend => RefreshOutcome.OtherFrontend,
        RefreshState.SpentRecently => RefreshOutcome.RefuseRace,
        RefreshState.Spent => RefreshOutcome.RevokeFamily,
        RefreshState.Unknown or RefreshState.Expired or RefreshState.Revoked => RefreshOutcome.Refuse,
        _ => throw new ArgumentOutOfRangeException(nameof(state)),
    };

    /// <summary>The end of a token issued now: sliding, but never beyond the family's own end.</summary>
    public static DateTimeOffset ExpiryOf(DateTimeOffset now, TimeSpan lifetime, DateTimeOffset familyExpiresAt) =>
        now + lifetime < familyExpiresAt ? now + lifetime : familyExpiresAt;
}
