using System.Net;
using System.Net.Sockets;

namespace CityPulse.Tests.Support;

/// <summary>Stands between a client and a server and counts turns: how often the client spoke after the server had, which is a round trip.</summary>
internal sealed class CountingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;
    private readonly Task _accepting;
    private int _turns;

    public CountingProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Turns => Volatile.Read(ref _turns);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = RelayAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using var server = new TcpClient { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            var serverSpoke = 1;
            await Task.WhenAny(
                CopyAsync(client.GetStream(), server.GetStream(), () => _ = Interlocked.Exchange(ref serverSpoke, 0) == 1 ? Interlocked.Increment(ref _turns) : 0),
                CopyAsync(server.GetStream(), client.GetStream(), () => Interlocked.Exchange(ref serverSpoke, 1)));
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, Action heard)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, _stop.Token)) > 0)
            {
                heard();
                await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // One end has gone; the other is let go of with it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stop.Dispose();
    }
}
