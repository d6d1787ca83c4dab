using System.Net;
using System.Net.Sockets;

namespace CityPulse.AppHost.Standalone.Running;

/// <summary>One stable port in front of several replicas: connections go to the healthy ones in turn.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _listeners = [];
    private readonly List<Task> _loops = [];
    private readonly Lock _lock = new();
    private List<int> _backends = [];
    private int _turn;

    public TcpProxy(int port)
    {
        Listen(IPAddress.Loopback, port);
        if (Socket.OSSupportsIPv6)
        {
            try
            {
                Listen(IPAddress.IPv6Loopback, port);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
            {
                // IPv6 is compiled in but switched off; IPv4 serves alone.
            }
        }
    }

    /// <summary>Takes a replica in, or out.</summary>
    public void Set(int backend, bool healthy)
    {
        lock (_lock)
        {
            var others = _backends.Where(port => port != backend);
            _backends = healthy ? [.. others, backend] : [.. others];
            _backends.Sort();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var listener in _listeners)
        {
            listener.Dispose();
        }

        await Task.WhenAll(_loops);
        _stop.Dispose();
    }

    private void Listen(IPAddress address, int port)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(address, port));
            listener.Listen(512);
        }
        catch
        {
            listener.Dispose();
            throw;
        }

        _listeners.Add(listener);
        _loops.Add(AcceptAsync(listener));
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptAsync(_stop.Token);
                _ = ServeAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client was gone before it was accepted.
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        {
            using var server = await ConnectAsync();
            if (server is null)
            {
                return;
            }

            client.NoDelay = server.NoDelay = true;
            await Task.WhenAll(PumpAsync(client, server), PumpAsync(server, client));
        }
    }

    private async Task<Socket?> ConnectAsync()
    {
        List<int> backends;
        lock (_lock)
        {
            backends = _backends;
        }

        var first = (uint)Interlocked.Increment(ref _turn);
        for (var i = 0; i < backends.Count; i++)
        {
            var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, backends[(int)((first + i) % backends.Count)], _stop.Token);
                return server;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // This one just went away; the next takes the connection.
                server.Dispose();
            }
        }

        return null;
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer, _stop.Token)) > 0)
            {
                await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side broke off: so does the other.
            from.Close();
            to.Close();
        }
    }
}
