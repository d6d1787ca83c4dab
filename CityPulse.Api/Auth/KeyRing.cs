using System.Security.Cryptography;
using CityPulse.Api.Auth.Domain;
using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Auth;

/// <summary>
/// The ES256 keys, from the database: the newest whose time has come signs, all that have not expired verify
/// (<see cref="KeySchedule"/>). Read again every few minutes and, at most every few seconds, when a token names an unknown key.
/// </summary>
internal sealed class KeyRing(NpgsqlDataSource source, KeyCipher cipher, IOptions<AuthOptions> options, IOptions<AccessTokenOptions> access, TimeProvider time) : IAccessTokenKeys, IDatabaseSeed, IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan BetweenReloads = TimeSpan.FromSeconds(5);
    private readonly SemaphoreSlim _loading = new(1, 1);
    private volatile Ring? _ring;

    /// <summary>All newest first.</summary>
    private sealed record Ring(
        IReadOnlyList<SecurityKey> Public, IReadOnlyList<DateTimeOffset> SignsFrom, IReadOnlyList<SigningCredentials> Signing, DateTimeOffset LoadedAt);

    public IReadOnlyList<SecurityKey>? Known => FreshRing()?.Public;

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

    public async ValueTask<SigningCredentials> GetSigningAsync(CancellationToken cancellationToken)
    {
        var ring = await GetRingAsync(refresh: false, cancellationToken);
        return ring.Signing[KeySchedule.Signing(ring.SignsFrom, time.GetUtcNow())];
    }

    /// <summary>Makes the first key, before anybody can ask for a token.</summary>
    public async Task SeedAsync(CancellationToken cancellationToken)
    {
        await RotateAsync(cancellationToken);
        await GetRingAsync(refresh: true, cancellationToken);
    }

    /// <summary>Publishes the next key when it is time, and forgets those that nobody needs. Of replicas that try at once one does.</summary>
    /// <returns>From when the new key signs; null when none was due.</returns>
    public async Task<DateTimeOffset?> RotateAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync("select pg_advisory_xact_lock($1)", AdvisoryLockKeys.SigningKeys);
        await using var newest = new NpgsqlCommand("select max(signs_from) from signing_keys where expires_at is null", connection, transaction);
        var (now, policy) = (time.GetUtcNow(), Policy());
        var next = KeySchedule.Next(await newest.ExecuteScalarAsync(cancellationToken) is DateTime start ? start : null, now, policy);
        await ExecuteAsync("delete from signing_keys where expires_at < $1", now);
        if (next is { } signsFrom)
        {
            await ExecuteAsync("update signing_keys set expires_at = $1 where expires_at is null", KeySchedule.End(signsFrom, policy));
            var (id, publicKey, privateKey) = Generate();
            await ExecuteAsync(
                "insert into signing_keys (id, public_key, private_key, created_at, signs_from) values ($1, $2, $3, $4, $5)",
                id, publicKey, privateKey, now, signsFrom);
        }

        await transaction.CommitAsync(cancellationToken);
        return next;

        async Task ExecuteAsync(string sql, params object[] parameters)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            foreach (var parameter in parameters)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = parameter });
            }

            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Replicas read the ring every few minutes, and their clocks differ a little.</summary>
    private KeyPolicy Policy() => new(
        options.Value.SigningKeyLifetime,
        options.Value.SigningKeyPublishedAhead,
        options.Value.AccessTokenLifetime + TimeSpan.FromSeconds(access.Value.ClockSkewSeconds) + Fresh);

    private (string Id, byte[] PublicKey, byte[] PrivateKey) Generate()
    {
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var id = Base64UrlEncoder.Encode(new ECDsaSecurityKey(pair).ComputeJwkThumbprint());
        var secret = pair.ExportPkcs8PrivateKey();
        var encrypted = cipher.Encrypt(secret, id);
        CryptographicOperations.ZeroMemory(secret);
        return (id, pair.ExportSubjectPublicKeyInfo(), encrypted);
    }

    private ValueTask<Ring> GetRingAsync(bool refresh, CancellationToken cancellationToken)
    {
        var seen = _ring;
        return !refresh && FreshRing() is { } ring
            ? ValueTask.FromResult(ring)
            : new ValueTask<Ring>(LoadAsync(seen, cancellationToken));
    }

    private Ring? FreshRing() => _ring is { } ring && time.GetUtcNow() - ring.LoadedAt < Fresh ? ring : null;

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
        var signing = new List<SigningCredentials>();
        var signsFrom = new List<DateTimeOffset>();
        await using var select = source.CreateCommand(
            "select id, public_key, private_key, signs_from from signing_keys where expires_at is null or expires_at > $1 order by signs_from desc, id");
        select.Parameters.AddWithValue(NpgsqlDbType.TimestampTz, now);
        await using var rows = await select.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            var id = rows.GetString(0);
            var verifier = ECDsa.Create();
            verifier.ImportSubjectPublicKeyInfo(rows.GetFieldValue<byte[]>(1), out _);
            verifying.Add(new ECDsaSecurityKey(verifier) { KeyId = id });
            signing.Add(new SigningCredentials(Open(id, rows.GetFieldValue<byte[]>(2)), SecurityAlgorithms.EcdsaSha256));
            signsFrom.Add(rows.GetFieldValue<DateTimeOffset>(3));
        }

        // The same list means the same keys to those who remember verified tokens.
        var known = _ring?.Public;
        var same = known is not null && known.Select(k => k.KeyId).SequenceEqual(verifying.Select(k => k.KeyId));
        return signing.Count > 0
            ? new Ring(same ? known! : verifying, signsFrom, signing, now)
            : throw new InvalidOperationException("The database holds no signing key that is in use.");
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
