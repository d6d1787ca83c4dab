using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Swarm;

/// <summary>
/// Seals what a run keeps of its caller: the access token, so that whichever replica goes on with the run reads the city as the caller
/// and never more. Bound to the run, unreadable in the database, and gone with the run's end. Also seals the cursors of lists.
/// </summary>
internal sealed class RunSeal
{
    private const int TagBytes = 16;
    private const int NonceBytes = 12;
    private const int CursorTagBytes = 8;

    private readonly byte[] _tokenKey;
    private readonly byte[] _cursorKey;

    public RunSeal(IOptions<SwarmOptions> options)
    {
        var secret = Encoding.UTF8.GetBytes(options.Value.Secret!);
        _tokenKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "citypulse/swarm-token/v1"u8.ToArray());
        _cursorKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "citypulse/swarm-cursor/v1"u8.ToArray());
    }

    public byte[] Seal(Guid runId, string token)
    {
        var text = Encoding.UTF8.GetBytes(token);
        var box = new byte[NonceBytes + TagBytes + text.Length];
        var nonce = box.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(_tokenKey, TagBytes);
        cipher.Encrypt(nonce, text, box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes), runId.ToByteArray());
        return box;
    }

    /// <summary>Null when the box was not sealed for this run with this key, as after a change of the key.</summary>
    public string? Open(Guid runId, byte[] box)
    {
        if (box.Length < NonceBytes + TagBytes)
        {
            return null;
        }

        var text = new byte[box.Length - NonceBytes - TagBytes];
        using var cipher = new AesGcm(_tokenKey, TagBytes);
        try
        {
            cipher.Decrypt(box.AsSpan(0, NonceBytes), box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes), text, runId.ToByteArray());
            return Encoding.UTF8.GetString(text);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    public string SealCursor(Guid organizationId, Guid after) => Base64Url.EncodeToString([.. after.ToByteArray(), .. CursorTag(organizationId, after)]);

    /// <summary>Null for whatever <see cref="SealCursor"/> did not make for this organisation.</summary>
    public Guid? OpenCursor(Guid organizationId, string cursor)
    {
        if (cursor.Length != Base64Url.GetEncodedLength(16 + CursorTagBytes) || !Base64Url.IsValid(cursor))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(cursor);
        var after = new Guid(bytes.AsSpan(0, 16));
        return CryptographicOperations.FixedTimeEquals(bytes.AsSpan(16), CursorTag(organizationId, after)) ? after : null;
    }

    private byte[] CursorTag(Guid organizationId, Guid after) =>
        HMACSHA256.HashData(_cursorKey, (byte[])[.. organizationId.ToByteArray(), .. after.ToByteArray()])[..CursorTagBytes];
}
