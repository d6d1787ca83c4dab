using System.Security.Cryptography;
using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Security;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Auth;

/// <summary>
/// The ES256 keys, from the database: the newest signs, all that have not expired verify. Read again every few minutes and,
/// at most every few seconds, when a token names an unknown key, as it does when another replica has made one.
/// </summary>
internal sealed class KeyRing(NpgsqlDataSource source, KeyCipher cipher, TimeProvider time) : IAccessTokenKeys, IDatabaseSeed, IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BetweenReloads = TimeSpan.FromSeconds(5);
    private readonly SemaphoreSlim _loading = new(1, 1);
    private volatile Ring? _ring;

    private sealed record Ring(IReadOnlyList<SecurityKey> Public, SigningCredentials Signing, DateTimeOffset LoadedAt);

    public async ValueTask<IReadOnlyList<SecurityKey>> GetAsync(bool refresh, CancellationToken cancellationToken)
    {
        try
        {
            return (await GetRingAsync(refresh, cancellationToken)).Public;
        }
        catch (NpgsqlException e)
        {
            throw new AccessTokenKeysUnavailableException("The signing keys cannot be read from the database.", e);
        }
    }

    public async ValueTask<SigningCredentials> GetSigningAsync(CancellationToken cancellationToken) =>
        (await GetRingAsync(refresh: false, cancellationToken)).Signing;

    /// <summary>Makes the first key. Runs under the lock of the migrations, so that replicas agree on one.</summary>
    public async Task SeedAsync(CancellationToken cancellationToken)
    {
        await using (var any = source.CreateCommand("select exists (select from signing_keys)"))
        {
            if (await any.ExecuteScalarAsync(cancellationToken) is not true)
            {
                await AddKeyAsync(cancellationToken);
            }
        }

        await GetRingAsync(refresh: true, cancellationToken);
    }

    private async Task AddKeyAsync(CancellationToken cancellationToken)
    {
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Base64UrlEncoder.Encode(new ECDsaSecurityKey(pair).ComputeJwkThumbprint());
        await using var insert = source.CreateCommand(
            "insert into signing_keys (id, public_key, private_key, created_at) values ($1, $2, $3, $4)");
        insert.Parameters.AddWithValue(id);
        insert.Parameters.AddWithValue(pair.ExportSubjectPublicKeyInfo());
        var secret = pair.ExportPkcs8PrivateKey();
        insert.Parameters.AddWithValue(cipher.Encrypt(secret, id));
        CryptographicOperations.ZeroMemory(secret);
        insert.Parameters.AddWithValue(NpgsqlDbType.TimestampTz, time.GetUtcNow());
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    private ValueTask<Ring> GetRingAsync(bool refresh, CancellationToken cancellationToken)
    {
        var ring = _ring;
        return ring is not null && !refresh && time.GetUtcNow() - ring.LoadedAt < Fresh
            ? ValueTask.FromResult(ring)
            : new ValueTask<Ring>(LoadAsync(ring, cancellationToken));
    }

    private async Task<Ring> LoadAsync(Ring? seen, CancellationToken cancellationToken)
    {
        await _loading.WaitAsync(cancellationToken);
        try
        {
            // Another request has loaded it while this one waited; and made-up key ids must not become a flood of queries.
            if (_ring is { } current && (!ReferenceEquals(current, seen) || time.GetUtcNow() - current.LoadedAt < BetweenReloads))
            {
                return current;
            }

            return _ring = await ReadAsync(cancellationToken);
        }
        finally
        {
            _loading.Release();
        }
    }

    private async Task<Ring> ReadAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var verifying = new List<SecurityKey>();
        SigningCredentials? signing = null;
        await using var select = source.CreateCommand(
            "select id, public_key, private_key, expires_at from signing_keys where expires_at is null or expires_at > $1 order by created_at desc, id");
        select.Parameters.AddWithValue(NpgsqlDbType.TimestampTz, now);
        await using var rows = await select.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            var id = rows.GetString(0);
            var verifier = ECDsa.Create();
            verifier.ImportSubjectPublicKeyInfo(rows.GetFieldValue<byte[]>(1), out _);
            verifying.Add(new ECDsaSecurityKey(verifier) { KeyId = id });
            if (signing is null && rows.IsDBNull(3))
            {
                signing = new SigningCredentials(Open(id, rows.GetFieldValue<byte[]>(2)), SecurityAlgorithms.EcdsaSha256);
            }
        }

        // The same list means the same keys to those who remember verified tokens.
        var known = _ring?.Public;
        var same = known is not null && known.Select(k => k.KeyId).SequenceEqual(verifying.Select(k => k.KeyId));
        return new Ring(
            same ? known! : verifying,
            signing ?? throw new InvalidOperationException("The database holds no signing key that is in use."),
            now);
    }

    private ECDsaSecurityKey Open(string id, byte[] encrypted)
    {
        byte[] secret;
        try
        {
            secret = cipher.Decrypt(encrypted, id);
        }
        catch (CryptographicException e)
        {
            throw new InvalidOperationException(
                "The signing keys in the database were encrypted with another Auth:KeyEncryptionKey. Give the one that this database was set up with.", e);
        }

        var pair = ECDsa.Create();
        pair.ImportPkcs8PrivateKey(secret, out _);
        CryptographicOperations.ZeroMemory(secret);
        return new ECDsaSecurityKey(pair) { KeyId = id };
    }

    public void Dispose() => _loading.Dispose();
}
