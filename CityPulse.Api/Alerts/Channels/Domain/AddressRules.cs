using IPAddress = System.Net.IPAddress;
using IPNetwork = System.Net.IPNetwork;

namespace CityPulse.Api.Alerts.Channels.Domain;

/// <summary>Whose address it is.</summary>
internal enum AddressKind
{
    /// <summary>Of the internet.</summary>
    Public,
    /// <summary>Of this machine or its own network: loopback, private, link-local, unique-local, shared by a carrier.</summary>
    Private,
    /// <summary>Of nobody whom a message can be meant for: metadata of a cloud, multicast, reserved.</summary>
    Forbidden,
}

/// <summary>
/// Which addresses messages may go to, judged after names are resolved (IANA special-purpose registries, RFC 6890). Forms of IPv6 that carry an
/// IPv4 address are judged by that, or 127.0.0.1 had a dozen other names.
/// </summary>
internal static class AddressRules
{
    private static readonly IPNetwork[] Forbidden = Parse(
        // Metadata services: AWS, Azure, Google, Oracle; AWS tasks; Alibaba; Azure's host; AWS over IPv6.
        "169.254.169.254/32", "169.254.170.2/32", "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32",
        // This network, protocol assignments, 6to4 relays, multicast, reserved with broadcast.
        "0.0.0.0/8", "192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "240.0.0.0/4",
        // Unspecified, discard-only, Teredo, multicast.
        "::/128", "100::/64", "2001::/32", "ff00::/8");

    private static readonly IPNetwork[] Private = Parse(
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15",
        "::1/128", "64:ff9b:1::/48", "fc00::/7", "fe80::/10", "fec0::/10");

    /// <summary>Prefixes, all of whole bytes, after which four bytes of an IPv4 address follow at a place.</summary>
    private static readonly (IPNetwork Network, int At)[] Carriers =
    [
        (IPNetwork.Parse("::ffff:0:0/96"), 12), (IPNetwork.Parse("::ffff:0:0:0/96"), 12), (IPNetwork.Parse("::/96"), 12),
        (IPNetwork.Parse("64:ff9b::/96"), 12), (IPNetwork.Parse("2002::/16"), 2),
    ];

    public static AddressKind KindOf(IPAddress address)
    {
        if (Forbidden.Any(network => network.Contains(address)))
        {
            return AddressKind.Forbidden;
        }

        if (Private.Any(network => network.Contains(address)))
        {
            return AddressKind.Private;
        }

        return Carried(address) is { } carried ? KindOf(carried) : AddressKind.Public;
    }

    /// <returns>Why nothing is sent to it, or null.</returns>
    public static string? Refusal(IPAddress address, bool allowPrivate) => KindOf(address) switch
    {
        AddressKind.Public => null,
        AddressKind.Private => allowPrivate ? null : "Its address is loopback, link-local or private, where nothing is sent.",
        _ => "Its address is reserved, multicast or a cloud's metadata service, where nothing is sent.",
    };

    private static IPAddress? Carried(IPAddress address)
    {
        if (address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6)
        {
            return null;
        }

        foreach (var (network, at) in Carriers)
        {
            if (network.Contains(address))
            {
                return new IPAddress(address.GetAddressBytes().AsSpan(at, 4));
            }
        }

        return null;
    }

    private static IPNetwork[] Parse(params string[] networks) => Array.ConvertAll(networks, network => IPNetwork.Parse(network));
}
