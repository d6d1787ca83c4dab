using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Swarm;

/// <summary>
/// Seals what a run keeps of its caller: the access token, so that whichever replica goes on with the run reads the city as the caller
/// and never more. Bound to the run, unreadable in the database, and gone with the run's end.
/// </summary>
internal sealed class RunSeal
{
    private const int TagBytes = 16;
    private const int NonceBytes = 12;

    private readonly byte[] _tokenKey;

    public RunSeal(IOptions<SwarmOptions> options)
    {
        var secret = Encoding.UTF8.GetBytes(options.Value.Secret!);
        _tokenKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: "citypulse/swarm-token/v1"u8.ToArray());
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
}
