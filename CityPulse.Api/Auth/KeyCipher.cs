using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Auth;

/// <summary>AES-256-GCM under <c>Auth:KeyEncryptionKey</c>. Stored as nonce (12) + tag (16) + ciphertext, bound to the key's id.</summary>
internal sealed class KeyCipher(IOptions<AuthOptions> options)
{
    public const int KeyLength = 32;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private readonly byte[] _key = Convert.FromBase64String(options.Value.KeyEncryptionKey!);

    /// <summary>For keyed hashes of requests.</summary>
    public byte[] RequestKey { get; } = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Convert.FromBase64String(options.Value.KeyEncryptionKey!), KeyLength, info: "citypulse/request/v1"u8.ToArray());

    public byte[] Encrypt(ReadOnlySpan<byte> secret, string keyId)
    {
        var sealedBytes = new byte[NonceLength + TagLength + secret.Length];
        var nonce = sealedBytes.AsSpan(0, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_key, TagLength);
        aes.Encrypt(nonce, secret, sealedBytes.AsSpan(NonceLength + TagLength), sealedBytes.AsSpan(NonceLength, TagLength), Encoding.UTF8.GetBytes(keyId));
        return sealedBytes;
    }

    /// <exception cref="CryptographicException">Another key encrypted it, or it was altered.</exception>
    public byte[] Decrypt(ReadOnlySpan<byte> sealedBytes, string keyId)
    {
        if (sealedBytes.Length < NonceLength + TagLength)
        {
            throw new CryptographicException("The stored key is too short.");
        }

        var secret = new byte[sealedBytes.Length - NonceLength - TagLength];
        using var aes = new AesGcm(_key, TagLength);
        aes.Decrypt(sealedBytes[..NonceLength], sealedBytes[(NonceLength + TagLength)..], sealedBytes.Slice(NonceLength, TagLength), secret, Encoding.UTF8.GetBytes(keyId));
        return secret;
    }
}
