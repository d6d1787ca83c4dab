using System.Globalization;

namespace CityPulse.ServiceDefaults.Compression.Domain;

/// <summary>A way to compress an answer.</summary>
internal enum Encoding
{
    Identity,
    Gzip,
    Brotli,
}

/// <summary>Reads <c>Accept-Encoding</c> (RFC 9110, 12.5.3) for the two encodings that we have; where a client likes both the same, br.</summary>
internal static class AcceptEncoding
{
    public static Encoding Choose(string? header)
    {
        if (string.IsNullOrEmpty(header))
        {
            return Encoding.Identity;
        }

        double gzip = -1, brotli = -1, any = -1;
        foreach (var range in header.AsSpan().Split(','))
        {
            var item = header.AsSpan(range).Trim();
            var end = item.IndexOf(';');
            var name = (end < 0 ? item : item[..end]).Trim();
            var quality = end < 0 ? 1 : Quality(item[(end + 1)..]);
            if (name.Equals("gzip", StringComparison.OrdinalIgnoreCase) || name.Equals("x-gzip", StringComparison.OrdinalIgnoreCase))
            {
                gzip = quality;
            }
            else if (name.Equals("br", StringComparison.OrdinalIgnoreCase))
            {
                brotli = quality;
            }
            else if (name is "*")
            {
                any = quality;
            }
        }

        gzip = gzip < 0 ? any : gzip;
        brotli = brotli < 0 ? any : brotli;
        return brotli > 0 && brotli >= gzip ? Encoding.Brotli
            : gzip > 0 ? Encoding.Gzip
            : Encoding.Identity;
    }

    private static double Quality(ReadOnlySpan<char> parameter)
    {
        parameter = parameter.Trim();
        return parameter.StartsWith("q=", StringComparison.OrdinalIgnoreCase)
            && double.TryParse(parameter[2..], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var quality)
            ? quality
            : 0;
    }
}
