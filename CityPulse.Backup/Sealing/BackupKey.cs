using System.Security.Cryptography;

namespace CityPulse.Backup.Sealing;

/// <summary>The secret that backups are sealed with: 32 random bytes. What is used are keys derived from it, one for each purpose and file.</summary>
internal sealed class BackupKey
{
    public const string Variable = "CITYPULSE_BACKUP_KEY";
    private const int Length = 32;

    private readonly byte[] _secret;

    private BackupKey(byte[] secret)
    {
        _secret = secret;
        Id = Convert.ToHexStringLower(Derive("id", [], 4));
    }

    /// <summary>Tells keys apart, and says nothing about them.</summary>
    public string Id { get; }

    /// <param name="text">32 bytes in Base64.</param>
    public static BackupKey Parse(string text)
    {
        var secret = new byte[Length];
        return Convert.TryFromBase64String(text.Trim(), secret, out var length) && length == Length
            ? new BackupKey(secret)
            : throw new BackupException($"The backup key must be {Length} random bytes in Base64, such as the output of: openssl rand -base64 {Length}");
    }

    /// <summary>The key of one file: another salt, another key, so that a nonce may begin at zero in every file.</summary>
    public byte[] ForFile(ReadOnlySpan<byte> salt) => Derive("file", salt, 32);

    public byte[] Authenticate(ReadOnlySpan<byte> content) => HMACSHA256.HashData(Derive("manifest", [], 32), content);

    private byte[] Derive(string purpose, ReadOnlySpan<byte> salt, int length)
    {
        var key = new byte[length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, key, salt, System.Text.Encoding.ASCII.GetBytes($"citypulse backup {purpose}"));
        return key;
    }
}
