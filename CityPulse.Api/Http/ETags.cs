using System.Globalization;
using System.Security.Cryptography;

namespace CityPulse.Api.Http;

/// <summary>Strong entity tags (RFC 9110, 8.8.3), quotes included.</summary>
internal static class ETags
{
    /// <summary>What an answer shows beyond the versioned state (a sensor's last reading) follows this sign.</summary>
    private const char Beyond = '.';

    /// <summary>The tag of a resource at a version.</summary>
    public static string Of(Guid id, int version) => $"\"{State(id, version)}\"";

    /// <summary>
    /// The tag of a resource that also shows something its version does not count. A reader's tag must change with
    /// what is shown, while a writer's precondition is about the version alone: <see cref="IsState"/> ignores this part.
    /// </summary>
    public static string Of(Guid id, int version, string? shown) =>
        shown is null ? Of(id, version) : $"\"{State(id, version)}{Beyond}{shown}\"";

    /// <summary>The tag of an answer that has no version of its own, such as a list: a hash of its bytes.</summary>
    public static string OfContent(ReadOnlySpan<byte> content) => $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"";

    /// <summary>Whether a strong tag that a client sends back names this version of this resource.</summary>
    public static bool IsState(ReadOnlySpan<char> tag, Guid id, int version)
    {
        var state = WithoutCoding(tag.Trim('"'));
        var beyond = state.IndexOf(Beyond);
        return (beyond < 0 ? state : state[..beyond]).SequenceEqual(State(id, version));
    }

    /// <summary>Whether two tags name equivalent answers (RFC 9110, weak comparison).</summary>
    public static bool AreEquivalent(ReadOnlySpan<char> one, ReadOnlySpan<char> other) =>
        WithoutCoding(Opaque(one)).SequenceEqual(WithoutCoding(Opaque(other)));

    private static string State(Guid id, int version) => string.Create(CultureInfo.InvariantCulture, $"{id:N}-{version}");

    private static ReadOnlySpan<char> Opaque(ReadOnlySpan<char> tag) =>
        (tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag).Trim('"');

    /// <summary>A compressed answer's tag carries its coding as a suffix; the resource behind it is the same.</summary>
    private static ReadOnlySpan<char> WithoutCoding(ReadOnlySpan<char> opaque)
    {
        foreach (var suffix in (ReadOnlySpan<string>)["-gzip", "-br"])
        {
            if (opaque.EndsWith(suffix, StringComparison.Ordinal))
            {
                return opaque[..^suffix.Length];
            }
        }

        return opaque;
    }
}
