using System.Net;
using System.Net.Sockets;
using CityPulse.AppHost.Standalone.Running;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

public sealed class PortTests
{
    [Fact]
    public async Task A_taken_port_is_refused_before_anything_starts_and_the_message_says_by_whom_and_what_to_do()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "looks at /proc");
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var app = new EngineApp("--DcpPublisher:RandomizePorts=false");
        app.Script("other", "touch $DIR/started; sleep 1000");
        app.Script("api", "sleep 1000").WithHttpEndpoint(port: port);

        var error = await Should.ThrowAsync<DistributedApplicationException>(app.StartAsync);

        error.Message.ShouldStartWith($"Port {port} for 'api' (http) is taken by process {Environment.ProcessId} (");
        error.Message.ShouldEndWith($"choose another port: ./citypulse up --port {port + 1}");
        File.Exists(app.File("started")).ShouldBeFalse();
    }

    [Fact]
    public void Allocated_ports_are_free_and_all_different()
    {
        var ports = Enumerable.Range(0, 50).Select(_ => Ports.Allocate()).ToList();

        ports.Distinct().Count().ShouldBe(50);
        ports.ShouldAllBe(port => Ports.IsFree(port));
        Ports.Release(ports);
    }

    [Fact]
    public void A_port_is_not_free_while_someone_listens_on_either_loopback_address()
    {
        foreach (var address in new[] { IPAddress.Loopback, IPAddress.Any, IPAddress.IPv6Loopback }.Where(a => a.AddressFamily == AddressFamily.InterNetwork || Socket.OSSupportsIPv6))
        {
            using var taken = new TcpListener(address, 0);
            taken.Start();
            Ports.IsFree(((IPEndPoint)taken.LocalEndpoint).Port).ShouldBeFalse();
        }
    }
}
