using CityPulse.ServiceDefaults.Health;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Health;

public sealed class ProbeSwitchTests
{
    [Theory]
    [InlineData("8080", 8080)]
    [InlineData("9000;9001", 9000)]
    [InlineData(null, 8080)]
    public void The_first_public_port_of_the_container_is_asked(string? ports, int port) =>
        ProbeSwitch.Address(ports, "/health/ready").ShouldBe(new Uri($"http://127.0.0.1:{port}/health/ready"));

    [Fact]
    public async Task A_ready_service_is_healthy_one_that_is_going_is_not_and_one_that_is_gone_is_not()
    {
        var address = await AskWhileItRunsAsync();
        ProbeSwitch.IsHealthy(address).ShouldBeFalse();
    }

    [Fact]
    public async Task The_program_ends_with_its_answer_and_serves_nothing()
    {
        await using var host = await DefaultsHost.StartAsync(app => app.MapGet("/fine", () => Results.Ok()).AllowAnonymous());
        (await ServiceProcess.RunAsync("CityPulse.Realtime", ["--Probe:Path=/fine"], new() { ["HTTP_PORTS"] = $"{host.Address.Port}" })).ExitCode.ShouldBe(0);
        var refused = await ServiceProcess.RunAsync("CityPulse.Realtime", ["--Probe:Path=/fine"], new() { ["HTTP_PORTS"] = $"{TestStores.FreePort()}" });
        refused.ExitCode.ShouldBe(1);
        refused.Errors.ShouldContain("does not answer");
    }

    private static async Task<Uri> AskWhileItRunsAsync()
    {
        await using var host = await DefaultsHost.StartAsync();
        var address = new Uri(host.Address, "/health/ready");
        ProbeSwitch.IsHealthy(address).ShouldBeTrue();
        ProbeSwitch.IsHealthy(new Uri(host.Address, "/metrics")).ShouldBeFalse("404");
        return address;
    }
}
