using System.Net;
using System.Net.Sockets;

namespace CityPulse.Bench.Drills;

/// <summary>
/// A wire between processes that can be cut, made slow and made silent, with one end for clients and one or more servers at the other. A
/// connection goes to the servers in turn, past those that do not take it, as a balancer in front of replicas does.
/// </summary>
internal sealed class Link : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<int> _servers;
    private readonly HashSet<Socket> _open = [];
    private readonly Task _accepting;
    private TaskCompletionSource? _silence;
    private TaskCompletionSource? _answersHeld;
    private bool _isCut;
    private int _turn;
    private int _turns;

    public Link(params IEnumerable<int> servers)
    {
        _servers = [.. servers];
        _listener.Start(backlog: 8192);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How long every packet is under way, in each direction.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>How often a client spoke after its server had: a round trip each.</summary>
    public int Turns => Volatile.Read(ref _turns);

    /// <summary>Keeps all connections and takes new ones, but lets nothing through, until it is mended: as a server that hangs.</summary>
    public void Silence()
    {
        lock (_gate)
        {
            _silence ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Lets clients' words through and keeps the servers' to itself, until connections are broken: nobody knows then what was done.</summary>
    public void HoldAnswers()
    {
        lock (_gate)
        {
            _answersHeld ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Takes all connections away; new ones get through.</summary>
    public void Break()
    {
        lock (_gate)
        {
            BreakUnderLock();
            _answersHeld?.SetResult();
            _answersHeld = null;
        }
    }

    /// <summary>Takes all connections away, and lets none come, until it is mended.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            _isCut = true;
            BreakUnderLock();
        }
    }

    public void Mend()
    {
        lock (_gate)
        {
            _isCut = false;
            _silence?.SetResult();
            _silence = null;
        }
    }

    /// <summary>No new connections for a server; those that it has stay.</summary>
    public void TakeOut(int server)
    {
        lock (_gate)
        {
            _servers.Remove(server);
        }
    }

    public void PutIn(int server)
    {
        lock (_gate)
        {
            _servers.Remove(server);
            _servers.Add(server);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Dispose();
        lock (_gate)
        {
            BreakUnderLock();
        }
    }

    private void BreakUnderLock()
    {
        foreach (var socket in _open)
        {
            // Gone without a word, as when a cable is pulled and the other end is told by its own host.
            socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
        }

        _open.Clear();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = RelayAsync(await _listener.AcceptSocketAsync(_stop.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        client.NoDelay = true;
        Socket? server = null;
        try
        {
            if (Open(client) && await ConnectAsync() is { } connected && Open(server = connected))
            {
                var serverSpoke = true;
                await Task.WhenAll(
                    CopyAsync(client, server, () => _ = Interlocked.Exchange(ref serverSpoke, false) ? Interlocked.Increment(ref _turns) : 0, isAnswer: false),
                    CopyAsync(server, client, () => Volatile.Write(ref serverSpoke, true), isAnswer: true));
            }
        }
        finally
        {
            Close(client);
            if (server is not null)
            {
                Close(server);
            }
        }
    }

    private bool Open(Socket socket)
    {
        lock (_gate)
        {
            return !_isCut && _open.Add(socket);
        }
    }

    private void Close(Socket socket)
    {
        lock (_gate)
        {
            _open.Remove(socket);
        }

        socket.Dispose();
    }

    private async Task<Socket?> ConnectAsync()
    {
        int[] servers;
        lock (_gate)
        {
            servers = [.. _servers];
        }

        var first = Interlocked.Increment(ref _turn) & int.MaxValue;
        for (var i = 0; i < servers.Length; i++)
        {
            var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, servers[(first + i) % servers.Length], _stop.Token);
                return server;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Not there: the next one, then.
                server.Dispose();
            }
        }

        return null;
    }

    private async Task CopyAsync(Socket from, Socket to, Action heard, bool isAnswer)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer, _stop.Token)) > 0)
            {
                heard();
                if ((Volatile.Read(ref _silence) ?? (isAnswer ? Volatile.Read(ref _answersHeld) : null)) is { } held)
                {
                    await held.Task.WaitAsync(_stop.Token);
                }

                if (Delay > TimeSpan.Zero)
                {
                    await Task.Delay(Delay, _stop.Token);
                }

                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _stop.Token);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One end has gone, or the wire is cut: the other is let go of with it.
            Close(from);
            Close(to);
        }
    }
}
