using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Health;

/// <summary>Checks of stores that take a connection and then say nothing.</summary>
public sealed class BoundedChecksTests
{
    /// <summary>As some libraries' checks are: without a timeout, and deaf to their token.</summary>
    private sealed class DeafCheck(int port, bool blocks) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            using var client = new TcpClient("127.0.0.1", port);
            var stream = client.GetStream();
            _ = blocks ? stream.ReadByte() : await stream.ReadAsync(new byte[1], CancellationToken.None);
            return HealthCheckResult.Healthy();
        }
    }

    [Fact]
    public async Task A_check_that_hangs_fails_in_time_and_holds_no_other_up()
    {
        // The system takes connections for it, and nobody reads them.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        await using var host = await DefaultsHost.StartAsync(configure: builder => builder.Services.AddHealthChecks()
            .AddCheck("CityDb", new DeafCheck(port, blocks: false))
            .AddCheck("blocking", new DeafCheck(port, blocks: true))
            .AddCheck("slow", new DeafCheck(port, blocks: false), tags: null, timeout: TimeSpan.FromMinutes(5))
            .AddCheck("other", () => HealthCheckResult.Healthy()));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var live = await host.Client.GetAsync("/health/live", patience.Token);
        live.StatusCode.ShouldBe(HttpStatusCode.OK);

        var asked = (Report: host.Client.GetAsync("/health", patience.Token), Ready: host.Client.GetAsync("/health/ready", patience.Token));
        using var ready = await asked.Ready;
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await ready.Content.ReadAsStringAsync(patience.Token)).ShouldContain("Waiting for database.");

        using var report = await asked.Report;
        report.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        var checks = JsonElement.Parse(await report.Content.ReadAsStringAsync(patience.Token)).GetProperty("checks");
        foreach (var name in (string[])["database", "blocking", "slow"])
        {
            checks.GetProperty(name).GetProperty("description").GetString().ShouldBe("It does not answer in time.", name);
        }

        checks.GetProperty("other").GetProperty("status").GetString().ShouldBe("healthy");
    }
}
