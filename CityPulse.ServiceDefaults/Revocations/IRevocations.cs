namespace CityPulse.ServiceDefaults.Revocations;

/// <summary>
/// What was ended before its time: token families (see <c>CityClaims.Family</c>) and device keys, by id. Every service knows them from
/// memory, so that a request costs no look-up, and looks again every few seconds and when it is told to.
/// </summary>
public interface IRevocations
{
    /// <summary>Whether <paramref name="id"/> was revoked. When what is known is too old, it looks first.</summary>
    /// <exception cref="RevocationsUnavailableException">Nobody can say: the caller must be refused.</exception>
    ValueTask<bool> IsRevokedAsync(Guid id, CancellationToken cancellationToken);

    /// <summary>Whether <paramref name="id"/> is known to be revoked, as of the last look.</summary>
    bool IsKnown(Guid id);

    /// <summary>Whether the last look is recent enough to be believed.</summary>
    bool IsCurrent { get; }

    /// <summary>After every look, whether it brought anything, nothing, or failed.</summary>
    event Action? Looked;

    /// <summary>Looks now: what was committed before the call is known after it.</summary>
    /// <exception cref="RevocationsUnavailableException">The source cannot be asked.</exception>
    Task LookAsync(CancellationToken cancellationToken);
}

/// <summary>Where revocations are known from: Api has them in its database, the others ask Api.</summary>
public interface IRevocationSource
{
    /// <summary>What was revoked since a point; 0 is all that still matters. Something may be told twice.</summary>
    /// <exception cref="RevocationsUnavailableException">The source cannot be asked.</exception>
    Task<RevocationPage> ReadAsync(long since, CancellationToken cancellationToken);
}

/// <param name="Next">The point to go on from.</param>
public sealed record RevocationPage(long Next, IReadOnlyList<Guid> Ids);

/// <summary>It cannot be said who was revoked: requests are refused with 503, since their sessions may well be good.</summary>
public sealed class RevocationsUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
