using System.Net;
using System.Net.Sockets;
using CityPulse.Api.Alerts.Channels.Domain;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>
/// Connects to the very address that was checked: a name that is resolved once for the check and once more for the connection could be two
/// addresses. One forbidden address among a name's several refuses it.
/// </summary>
internal static class GuardedConnection
{
    /// <exception cref="AddressRefusedException">Nothing is sent there.</exception>
    public static async ValueTask<Stream> OpenAsync(DnsEndPoint target, bool allowPrivate, CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(target.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(target.Host, cancellationToken);
        foreach (var address in addresses)
        {
            if (AddressRules.Refusal(address, allowPrivate) is { } refusal)
            {
                throw new AddressRefusedException(refusal);
            }
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, target.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

internal sealed class AddressRefusedException(string message) : Exception(message);
