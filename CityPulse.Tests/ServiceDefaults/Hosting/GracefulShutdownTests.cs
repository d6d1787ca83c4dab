using System.Net;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Hosting;

public sealed class GracefulShutdownTests
{
    [Fact]
    public async Task While_draining_a_service_still_answers_but_is_not_ready()
    {
        await using var host = await DefaultsHost.StartAsync(
            app => app.MapGet("/open", () => "open").AllowAnonymous(),
            settings: new() { ["Shutdown:DrainSeconds"] = "2" });
        var stopped = host.StopAsync();
        using var ready = await host.Client.GetAsync("/health/ready");
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var work = await host.Client.GetAsync("/open");
        work.StatusCode.ShouldBe(HttpStatusCode.OK);
        stopped.IsCompleted.ShouldBeFalse();
        await stopped;
        await Should.ThrowAsync<HttpRequestException>(() => host.Client.GetAsync("/open"));
    }

    [Fact]
    public async Task While_draining_a_service_lets_go_of_connections_that_clients_keep()
    {
        await using var host = await DefaultsHost.StartAsync(
            app => app.MapGet("/open", () => "open").AllowAnonymous(),
            settings: new() { ["Shutdown:DrainSeconds"] = "2" });
        using (var before = await host.Client.GetAsync("/open"))
        {
            before.Headers.ConnectionClose.ShouldBeNull();
        }

        var stopped = host.StopAsync();
        await Eventually.TrueAsync(async () => (await host.Client.GetAsync("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable, "it drains");
        using (var work = await host.Client.GetAsync("/open"))
        {
            work.StatusCode.ShouldBe(HttpStatusCode.OK);
            work.Headers.ConnectionClose.ShouldBe(true);
        }

        await stopped;
    }

    [Fact]
    public async Task A_request_under_way_is_finished()
    {
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var host = await DefaultsHost.StartAsync(app => app.MapGet("/slow", async () =>
        {
            arrived.SetResult();
            await release.Task;
            return "done";
        }).AllowAnonymous());
        var answer = host.Client.GetStringAsync("/slow");
        await arrived.Task;
        var stopped = host.StopAsync();
        release.SetResult();
        (await answer).ShouldBe("done");
        await stopped;
    }
}
