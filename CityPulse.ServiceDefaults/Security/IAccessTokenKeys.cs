using Microsoft.IdentityModel.Tokens;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// The public keys that access tokens are signed with. Every service but Api reads them from Api's JWKS; Api answers from its own
/// key ring.
/// </summary>
public interface IAccessTokenKeys
{
    /// <summary>The keys in memory, where they are new enough to be believed without a look; the list that <see cref="GetAsync"/> gives.</summary>
    IReadOnlyList<SecurityKey>? Known { get; }

    /// <summary>The keys now known, each with its <c>KeyId</c>. The same list instance means the same keys.</summary>
    /// <param name="refresh">A token names a key that is not in the list: look again, as often as the source allows.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="AccessTokenKeysUnavailableException">No keys can be had, so no token can be judged.</exception>
    ValueTask<IReadOnlyList<SecurityKey>> GetAsync(bool refresh, CancellationToken cancellationToken);
}

/// <summary>The keys cannot be had: the request is refused with 503, since its token may well be good.</summary>
public sealed class AccessTokenKeysUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
