using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace CityPulse.AiGateway.Http;

/// <summary>
/// Seals the place where a page ended, so that a client can carry it but neither make nor alter one. The key follows from the one secret that
/// all replicas share, so a page may come from another replica than the page before it.
/// </summary>
internal sealed class PageCursors(string secret)
{
    private const int TagBytes = 8;

    private readonly byte[] _key = HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: "citypulse/swarm-cursor/v1"u8.ToArray());

    /// <param name="owner">Whose list it is: an organisation's runs, a person's conversations.</param>
    public string Seal(Guid owner, Guid after) => Base64Url.EncodeToString([.. after.ToByteArray(), .. Tag(owner, after)]);

    /// <summary>Null for whatever <see cref="Seal"/> did not make for this owner.</summary>
    public Guid? Open(Guid owner, string cursor)
    {
        if (cursor.Length != Base64Url.GetEncodedLength(16 + TagBytes) || !Base64Url.IsValid(cursor))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(cursor);
        var after = new Guid(bytes.AsSpan(0, 16));
        return CryptographicOperations.FixedTimeEquals(bytes.AsSpan(16), Tag(owner, after)) ? after : null;
    }

    private byte[] Tag(Guid owner, Guid after) => HMACSHA256.HashData(_key, (byte[])[.. owner.ToByteArray(), .. after.ToByteArray()])[..TagBytes];
}
