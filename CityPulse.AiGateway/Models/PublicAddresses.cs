using System.Net;
using System.Net.Sockets;

namespace CityPulse.AiGateway.Models;

/// <summary>Tells addresses of the public internet from those that only somebody inside can reach, such as a cloud's metadata server.</summary>
internal static class PublicAddresses
{
    private static readonly IPNetwork[] Inside =
    [
        // RFC 6890 and its successors: this host, private, shared, loopback, link-local (metadata too), protocol assignments, documentation,
        // relays, benchmarks, multicast, reserved.
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        }.Select(IPNetwork.Parse),
    ];

    public static bool IsPublic(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 && !Inside.Any(network => network.Contains(plain));
    }
}
