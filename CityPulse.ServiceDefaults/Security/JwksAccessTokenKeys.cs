using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// Keys from the issuer's JWKS. They are looked up again every few minutes and when a token names an unknown key, but not more often
/// than every few seconds, so that made-up key ids cannot be used to flood the issuer.
/// </summary>
internal sealed partial class JwksAccessTokenKeys(
    IHttpClientFactory clients,
    IOptions<AccessTokenOptions> options,
    TimeProvider time,
    ILogger<JwksAccessTokenKeys> logger) : IAccessTokenKeys, IDisposable
{
    public const string ClientName = "jwks";

    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BetweenFetches = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenFailedFetches = TimeSpan.FromSeconds(1);

    /// <summary>Keys older than this are not believed any more while the issuer cannot be asked.</summary>
    private static readonly TimeSpan LongestStale = TimeSpan.FromHours(1);

    private sealed record Fetched(IReadOnlyList<SecurityKey> Keys, DateTimeOffset At);

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private volatile Fetched? _known;
    private DateTimeOffset _nextFetch = DateTimeOffset.MinValue;
    private string? _lastJson;

    public IReadOnlyList<SecurityKey>? Known => _known is { } known && time.GetUtcNow() - known.At < Fresh ? known.Keys : null;

    public ValueTask<IReadOnlyList<SecurityKey>> GetAsync(bool refresh, CancellationToken cancellationToken)
    {
        var seen = _known;
        return Known is { } known && !refresh
            ? ValueTask.FromResult(known)
            : new ValueTask<IReadOnlyList<SecurityKey>>(FetchAsync(seen, cancellationToken));
    }

    private async Task<IReadOnlyList<SecurityKey>> FetchAsync(Fetched? seen, CancellationToken cancellationToken)
    {
        await _fetching.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            if (!ReferenceEquals(seen, _known) || now < _nextFetch)
            {
                return Usable(now);
            }

            try
            {
                // Not the request's token: whoever waits next needs the answer too.
                using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
                using var client = clients.CreateClient(ClientName);
                var json = await client.GetStringAsync(options.Value.JwksUri, timeout.Token);
                var keys = json == _lastJson && _known is { } unchanged ? unchanged.Keys : Parse(json);
                _lastJson = json;
                _known = new Fetched(keys, time.GetUtcNow());
                _nextFetch = time.GetUtcNow() + BetweenFetches;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or ArgumentException or InvalidOperationException
                                        or Polly.ExecutionRejectedException)
            {
                _nextFetch = time.GetUtcNow() + BetweenFailedFetches;
                LogFailed(logger, options.Value.JwksUri, e);
            }

            return Usable(time.GetUtcNow());
        }
        finally
        {
            _fetching.Release();
        }
    }

    private IReadOnlyList<SecurityKey> Usable(DateTimeOffset now) => _known is { } known && now - known.At < LongestStale
        ? known.Keys
        : throw new AccessTokenKeysUnavailableException($"The signing keys at {options.Value.JwksUri} cannot be read.");

    private static List<SecurityKey> Parse(string json)
    {
        var keys = new List<SecurityKey>();
        foreach (var key in new JsonWebKeySet(json).Keys)
        {
            if (key is { Kty: JsonWebAlgorithmsKeyTypes.EllipticCurve, Crv: JsonWebKeyECTypes.P256, Kid.Length: > 0 }
                && key.Use is null or "" or JsonWebKeyUseNames.Sig
                && key.Alg is null or "" or SecurityAlgorithms.EcdsaSha256)
            {
                keys.Add(key);
            }
        }

        return keys;
    }

    public void Dispose() => _fetching.Dispose();

    [LoggerMessage(LogLevel.Warning, "The signing keys at {Uri} cannot be read; those known stay in use for now.")]
    private static partial void LogFailed(ILogger logger, Uri uri, Exception exception);
}
