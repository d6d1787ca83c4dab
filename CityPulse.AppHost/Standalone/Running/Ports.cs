using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>Gives free ports, never the same one twice while this process lives.</summary>
internal static class Ports
{
    // Below the range from which systems take the ports of outgoing connections, so that none of those gets in between.
    private const int First = 20000;
    private const int Last = 32000;
    private static readonly Lock Sync = new();
    private static readonly HashSet<int> Given = [];
    private static int _next = Random.Shared.Next(First, Last);

    public static int Allocate()
    {
        lock (Sync)
        {
            for (var tries = 0; tries < Last - First; tries++)
            {
                var port = _next = _next >= Last ? First : _next + 1;
                if (!Given.Contains(port) && IsFree(port))
                {
                    Given.Add(port);
                    return port;
                }
            }
        }

        throw new DistributedApplicationException($"No port between {First} and {Last} is free on this machine.");
    }

    public static void Release(IEnumerable<int> ports)
    {
        lock (Sync)
        {
            Given.ExceptWith(ports);
        }
    }

    /// <summary>Whether nobody listens on it, on any loopback address.</summary>
    public static bool IsFree(int port) => CanBind(IPAddress.Loopback, port) && (!Socket.OSSupportsIPv6 || CanBind(IPAddress.IPv6Loopback, port));

    /// <summary>Refuses a port that someone else has, and says who and what to do.</summary>
    public static void EnsureFree(int port, string resource, string endpoint)
    {
        if (IsFree(port))
        {
            return;
        }

        var owner = PortOwner.Find(port) is { } process
            ? $"by process {process.Id.ToString(CultureInfo.InvariantCulture)} ({process.CommandLine})"
            : "by another process";
        throw new DistributedApplicationException(
            $"Port {port} for '{resource}' ({endpoint}) is taken {owner}. Stop that process, or choose another port: ./citypulse up --port {port + 1}");
    }

    private static bool CanBind(IPAddress address, int port)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            // No such address on this machine, so nobody can listen on it either.
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
