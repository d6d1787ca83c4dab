using System.Globalization;

namespace CityPulse.ServiceDefaults.RateLimiting.Domain;

/// <summary>Whose budget an address draws on.</summary>
internal static class ClientAddress
{
    /// <summary>
    /// An IPv4 address as it is, an IPv6 address by its first 64 bits: that is what one customer is given, and whoever holds them has
    /// more addresses in them than there are budgets to be kept.
    /// </summary>
    /// <param name="bytes">4 or 16 bytes in network order; none where there is no address.</param>
    public static string Partition(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => string.Create(CultureInfo.InvariantCulture, $"{bytes[0]}.{bytes[1]}.{bytes[2]}.{bytes[3]}"),
        16 when IsMappedIPv4(bytes) => Partition(bytes[12..]),
        16 => $"{Convert.ToHexStringLower(bytes[..8])}/64",
        _ => "unknown",
    };

    private static bool IsMappedIPv4(ReadOnlySpan<byte> bytes) =>
        bytes[..10].IndexOfAnyExcept((byte)0) < 0 && bytes[10] == 0xFF && bytes[11] == 0xFF;
}
