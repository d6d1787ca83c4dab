namespace CityPulse.ServiceDefaults.Compression.Domain;

/// <summary>
/// Strong entity tags of compressed answers. Other bytes need another tag, so <c>"7"</c> becomes <c>"7-br"</c>; a client that sends that
/// back in If-Match or If-None-Match means version 7 all the same.
/// </summary>
internal static class EncodedTag
{
    private const string Gzip = "-gzip\"";
    private const string Brotli = "-br\"";

    public static string Add(string tag, Encoding encoding) =>
        tag is ['"', .., '"'] && Suffix(encoding) is { } suffix ? string.Concat(tag.AsSpan(0, tag.Length - 1), suffix) : tag;

    /// <summary>A list of tags as a client sent it, without the suffixes.</summary>
    public static string Strip(string tags) => HasSuffix(tags)
        ? tags.Replace(Gzip, "\"", StringComparison.Ordinal).Replace(Brotli, "\"", StringComparison.Ordinal)
        : tags;

    public static bool HasSuffix(string tags) => tags.Contains(Gzip, StringComparison.Ordinal) || tags.Contains(Brotli, StringComparison.Ordinal);

    /// <summary>The form of <paramref name="tag"/> that <paramref name="sent"/> holds: a 304 repeats the tag that the client has.</summary>
    public static string AsSent(string tag, string sent)
    {
        foreach (var encoding in (ReadOnlySpan<Encoding>)[Encoding.Brotli, Encoding.Gzip])
        {
            if (Add(tag, encoding) is var encoded && sent.Contains(encoded, StringComparison.Ordinal))
            {
                return encoded;
            }
        }

        return tag;
    }

    private static string? Suffix(Encoding encoding) => encoding switch
    {
        Encoding.Gzip => Gzip,
        Encoding.Brotli => Brotli,
        _ => null,
    };
}
