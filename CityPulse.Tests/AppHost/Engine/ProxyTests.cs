using System.Net;
using System.Net.Sockets;
using System.Text;
using CityPulse.AppHost.Standalone.Running;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

public sealed class ProxyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connections_go_to_the_healthy_replicas_in_turn()
    {
        using var a = new Backend("a");
        using var b = new Backend("b");
        var port = Ports.Allocate();
        await using var proxy = new TcpProxy(port);
        proxy.Set(a.Port, healthy: true);
        proxy.Set(b.Port, healthy: true);

        var answers = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            answers.Add(await AskAsync(port, "hello"));
        }

        answers.Count(x => x == "a:hello").ShouldBe(3);
        answers.Count(x => x == "b:hello").ShouldBe(3);

        proxy.Set(b.Port, healthy: false);
        for (var i = 0; i < 4; i++)
        {
            (await AskAsync(port, "again")).ShouldBe("a:again");
        }
    }

    [Fact]
    public async Task A_replica_that_just_died_costs_no_connection()
    {
        using var a = new Backend("a");
        var port = Ports.Allocate();
        var dead = Ports.Allocate();
        await using var proxy = new TcpProxy(port);
        proxy.Set(dead, healthy: true);
        proxy.Set(a.Port, healthy: true);

        for (var i = 0; i < 4; i++)
        {
            (await AskAsync(port, "x")).ShouldBe("a:x");
        }
    }

    [Fact]
    public async Task Large_answers_pass_whole_and_in_order()
    {
        using var a = new Backend("a");
        var port = Ports.Allocate();
        await using var proxy = new TcpProxy(port);
        proxy.Set(a.Port, healthy: true);
        var text = string.Concat(Enumerable.Range(0, 100_000).Select(i => $"{i},"));

        (await AskAsync(port, text)).ShouldBe("a:" + text);
    }

    [Fact]
    public async Task Two_replicas_of_a_project_share_one_port_and_one_may_crash()
    {
        await using var app = new EngineApp();
        var cache = app.Builder.AddProject<Projects.CityPulse_Stores>("cache").WithEndpoint(name: "tcp").WithReplicas(2);
        cache.WithArgs("redis", "--port", cache.GetEndpoint("tcp").Property(EndpointProperty.TargetPort));
        await app.StartAsync();
        await app.Running.ResourceNotifications.WaitForResourceHealthyAsync("cache", Cancel);
        app.Running.GetProcessIds("cache").Count.ShouldBe(2);
        var port = app.Running.GetEndpoint("cache", "tcp").Port;
        const string ping = "*1\r\n$4\r\nPING\r\n";
        await app.LineAsync("cache", "ready: redis", times: 2);
        (await AskAsync(port, ping, "+PONG\r\n".Length)).ShouldBe("+PONG\r\n");

        await app.Running.KillResourceAsync("cache", replica: 1);
        for (var i = 0; i < 4; i++)
        {
            (await AskAsync(port, ping, "+PONG\r\n".Length)).ShouldBe("+PONG\r\n");
        }

        await Eventually.TrueAsync(() => app.Running.GetProcessIds("cache").Count == 2, "the second replica is back");
    }

    private static async Task<string> AskAsync(int port, string question, int? answerLength = null)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancel);
        var stream = client.GetStream();
        var answer = new MemoryStream();
        var send = Task.Run(async () =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(question), Cancel);
            if (answerLength is null)
            {
                client.Client.Shutdown(SocketShutdown.Send);
            }
        }, Cancel);
        var buffer = new byte[8192];
        int count;
        while (answer.Length < (answerLength ?? int.MaxValue) && (count = await stream.ReadAsync(buffer, Cancel)) > 0)
        {
            answer.Write(buffer, 0, count);
        }

        await send;
        return Encoding.ASCII.GetString(answer.ToArray());
    }

    /// <summary>Answers with its name and all that it was sent, once the sender is done.</summary>
    private sealed class Backend : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public Backend(string name)
        {
            _listener.Start();
            _ = ServeAsync(name);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync(string name)
        {
            while (true)
            {
                TcpClient client;
                try
                {
                    client = await _listener.AcceptTcpClientAsync();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }

                using (client)
                {
                    var stream = client.GetStream();
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(name + ":"));
                    await stream.CopyToAsync(stream);
                }
            }
        }
    }
}
