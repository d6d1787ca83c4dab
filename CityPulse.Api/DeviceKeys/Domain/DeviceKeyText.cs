using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace CityPulse.Api.DeviceKeys.Domain;

/// <summary>
/// A device key as text: <c>cpk_</c>, 32 characters of chance (190 bits) and 6 that are checked, all letters and digits. Scanners for
/// leaked secrets find it by <c>cpk_[0-9A-Za-z]{38}</c> and tell real ones from look-alikes by the check; a mistyped one is refused without a look-up.
/// </summary>
internal static class DeviceKeyText
{
    public const string Prefix = "cpk_";
    private const int ChanceLength = 32;
    private const int CheckLength = 6;
    private const int Length = 4 + ChanceLength + CheckLength;
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static readonly SearchValues<char> Letters = SearchValues.Create(Alphabet);

    public static string Make()
    {
        var open = Prefix + RandomNumberGenerator.GetString(Alphabet, ChanceLength);
        return open + Check(open);
    }

    public static bool IsWellFormed(string text) =>
        text.Length == Length
        && text.StartsWith(Prefix, StringComparison.Ordinal)
        && !text.AsSpan(Prefix.Length).ContainsAnyExcept(Letters)
        && text.EndsWith(Check(text.AsSpan(0, Length - CheckLength)), StringComparison.Ordinal);

    /// <summary>What is stored. A fast hash is enough for 190 random bits.</summary>
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.ASCII.GetBytes(key));

    /// <summary>The beginning, by which people tell their keys apart.</summary>
    public static string Hint(string key) => key[..8];

    /// <summary>The first 64 bits of the SHA-256 of what stands before, modulo 62^6, in base 62.</summary>
    private static string Check(ReadOnlySpan<char> open)
    {
        Span<byte> ascii = stackalloc byte[Length];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var written = Encoding.ASCII.GetBytes(open, ascii);
        SHA256.HashData(ascii[..written], hash);
        var rest = BinaryPrimitives.ReadUInt64BigEndian(hash);
        Span<char> check = stackalloc char[CheckLength];
        for (var i = CheckLength - 1; i >= 0; i--)
        {
            check[i] = Alphabet[(int)(rest % 62)];
            rest /= 62;
        }

        return new string(check);
    }
}
