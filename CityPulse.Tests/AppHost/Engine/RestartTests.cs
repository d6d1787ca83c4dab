using CityPulse.AppHost.Standalone.Running;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

public sealed class RestartTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_killed_service_is_started_again_and_the_log_says_so()
    {
        await using var app = new EngineApp();
        app.Script("service", "sleep 1000").WithEndpoint(name: "tcp");
        await app.StartAsync();
        await app.Running.ResourceNotifications.WaitForResourceHealthyAsync("service", Cancel);
        var before = app.Running.GetProcessIds("service").ShouldHaveSingleItem();

        await app.Running.KillResourceAsync("service");
        await app.Running.ResourceNotifications.WaitForResourceHealthyAsync("service", Cancel);

        app.Running.GetProcessIds("service").ShouldHaveSingleItem().ShouldNotBe(before);
        app.State("service").Restarts.ShouldBe(1);
        app.Running.GetLog("service").ShouldContain("ended with exit code 137; restart 1 in 0.5 s");
    }

    [Fact]
    public async Task A_service_that_ends_by_itself_is_started_again_even_with_exit_code_0()
    {
        await using var app = new EngineApp();
        app.Script("service", "test -e $DIR/second && sleep 1000; touch $DIR/second; sleep 0.3").WithEndpoint(name: "tcp");
        await app.StartAsync();

        await app.LineAsync("service", "started, process", times: 2);
    }

    [Fact]
    public async Task Work_that_is_done_is_not_done_again()
    {
        await using var app = new EngineApp();
        app.Script("work", "echo working");
        await app.StartAsync();

        await app.Running.ResourceNotifications.WaitForResourceAsync("work", KnownResourceStates.Finished, Cancel);
        app.Running.GetLog("work").Count(line => line == "working").ShouldBe(1);
    }

    [Fact]
    public async Task What_never_became_healthy_is_given_up_with_its_last_words()
    {
        await using var app = new EngineApp();
        app.HealthFile("never");
        app.Script("service", "echo cannot read the key; exit 7").WithEndpoint(name: "tcp").WithHealthCheck("never");
        await app.StartAsync();

        var error = await Should.ThrowAsync<DistributedApplicationException>(() => app.Running.ResourceNotifications.WaitForResourceHealthyAsync("service", Cancel));
        error.Message.ShouldContain("FailedToStart");
        error.Message.ShouldContain("exit code 7");
        error.Message.ShouldContain("cannot read the key");
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_named()
    {
        await using var app = new EngineApp();
        app.Builder.AddExecutable("service", "no-such-program", "/tmp");
        await app.StartAsync();

        var error = await Should.ThrowAsync<DistributedApplicationException>(() => app.Running.ResourceNotifications.WaitForResourceHealthyAsync("service", Cancel));
        error.Message.ShouldContain("'no-such-program' was not found on PATH");
    }

    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(6, 16)]
    [InlineData(7, 30)]
    [InlineData(1000, 30)]
    public void The_wait_before_a_restart_doubles_up_to_half_a_minute(int crashesInARow, double seconds) =>
        RestartPolicy.Delay(crashesInARow).ShouldBe(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void Only_what_was_never_healthy_is_given_up()
    {
        RestartPolicy.GivesUp(wasEverHealthy: false, crashesInARow: 2).ShouldBeFalse();
        RestartPolicy.GivesUp(wasEverHealthy: false, crashesInARow: 3).ShouldBeTrue();
        RestartPolicy.GivesUp(wasEverHealthy: true, crashesInARow: 100).ShouldBeFalse();
    }
}
