using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace CityPulse.Api.Http;

/// <summary>
/// Seals the place where a page ended, so that a client can carry it but neither make nor alter one. The key follows
/// from the one secret that all replicas share, so a page may come from another replica than the page before it.
/// </summary>
internal sealed class Cursors(byte[] secret)
{
    private const int TagLength = 16;
    private const int MaxLength = 2048;

    private readonly byte[] _key = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "citypulse/cursor/v1"u8.ToArray());

    public string Seal<TKey>(CursorScope scope, TKey key)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(key);
        return Base64Url.EncodeToString([.. Tag(scope, payload), .. payload]);
    }

    /// <summary>False for whatever <see cref="Seal"/> did not make for this very list.</summary>
    public bool TryOpen<TKey>(CursorScope scope, string cursor, out TKey? key)
        where TKey : class
    {
        key = null;
        if (cursor.Length > MaxLength || !Base64Url.IsValid(cursor))
        {
            return false;
        }

        var bytes = Base64Url.DecodeFromChars(cursor);
        // The text form must be the one that was given out: spare bits and padding could otherwise be altered unseen.
        if (bytes.Length <= TagLength || !Base64Url.EncodeToString(bytes).Equals(cursor, StringComparison.Ordinal))
        {
            return false;
        }

        var payload = bytes.AsSpan(TagLength);
        if (!CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, TagLength), Tag(scope, payload)))
        {
            return false;
        }

        key = JsonSerializer.Deserialize<TKey>(payload);
        return key is not null;
    }

    private byte[] Tag(CursorScope scope, ReadOnlySpan<byte> payload)
    {
        // The scope's own hash has a fixed length, so no payload can pass for a part of it.
        Span<byte> scopeHash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(scope.ToBytes(), scopeHash);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        hmac.AppendData(scopeHash);
        hmac.AppendData(payload);
        return hmac.GetHashAndReset()[..TagLength];
    }
}
