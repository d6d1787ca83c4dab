using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

public sealed class OrderTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_resource_starts_only_when_what_it_waits_for_is_healthy()
    {
        await using var app = new EngineApp();
        app.HealthFile("open");
        var first = app.Script("first", "echo up; sleep 1000").WithHealthCheck("open");
        app.Script("second", "test -e $DIR/open && echo after || echo before; sleep 1000").WaitFor(first);
        await app.StartAsync();

        await app.Running.ResourceNotifications.WaitForResourceAsync("first", KnownResourceStates.Running, Cancel);
        await app.LineAsync("first", "up");
        app.State("second").State.ShouldBe(KnownResourceStates.Waiting);

        await File.WriteAllTextAsync(app.File("open"), "", Cancel);
        await app.Running.ResourceNotifications.WaitForResourceHealthyAsync("second", Cancel);
        await app.LineAsync("second", "after");
    }

    [Fact]
    public async Task Resources_that_do_not_wait_for_each_other_start_side_by_side()
    {
        await using var app = new EngineApp();
        app.Script("left", "touch $DIR/left; until test -e $DIR/right; do sleep 0.05; done; echo met; sleep 1000");
        app.Script("right", "touch $DIR/right; until test -e $DIR/left; do sleep 0.05; done; echo met; sleep 1000");
        await app.StartAsync();

        await app.LineAsync("left", "met");
        await app.LineAsync("right", "met");
    }

    [Fact]
    public async Task A_resource_can_wait_for_the_work_of_another()
    {
        await using var app = new EngineApp();
        var work = app.Script("work", "sleep 0.3; touch $DIR/done");
        app.Script("after", "test -e $DIR/done && echo after || echo before; sleep 1000").WaitForCompletion(work);
        await app.StartAsync();

        await app.LineAsync("after", "after");
        app.State("work").State.ShouldBe(KnownResourceStates.Finished);
    }

    [Fact]
    public async Task Who_waits_for_something_that_cannot_start_is_told_why()
    {
        await using var app = new EngineApp();
        app.HealthFile("never");
        var broken = app.Script("broken", "echo the disk is full; exit 3").WithEndpoint(name: "tcp").WithHealthCheck("never");
        app.Script("waiting", "sleep 1000").WaitFor(broken);
        await app.StartAsync();

        var error = await Should.ThrowAsync<DistributedApplicationException>(() => app.Running.ResourceNotifications.WaitForResourceHealthyAsync("waiting", Cancel));
        error.Message.ShouldContain("broken");
        error.Message.ShouldContain("exit code 3");
        error.Message.ShouldContain("the disk is full");
    }

    [Fact]
    public async Task Resources_that_wait_for_each_other_are_refused_before_anything_starts()
    {
        await using var app = new EngineApp();
        var one = app.Script("one", "touch $DIR/started; sleep 1000");
        var two = app.Script("two", "sleep 1000").WaitFor(one);
        one.WaitFor(two);

        var error = await Should.ThrowAsync<DistributedApplicationException>(app.StartAsync);
        error.Message.ShouldContain("one → two → one");
        File.Exists(app.File("started")).ShouldBeFalse();
    }

    [Fact]
    public async Task Those_who_wait_for_others_stop_before_them()
    {
        await using var app = new EngineApp();
        const string script = "trap 'echo $0 >> $DIR/stops; exit 0' TERM; echo up; while :; do sleep 0.05; done";
        var database = app.Builder.AddExecutable("database", "sh", Path.GetDirectoryName(app.File("x"))!, "-c", script, "database").WithEnvironment("DIR", app.File(""));
        var api = app.Builder.AddExecutable("api", "sh", Path.GetDirectoryName(app.File("x"))!, "-c", script, "api").WithEnvironment("DIR", app.File("")).WaitFor(database);
        app.Builder.AddExecutable("edge", "sh", Path.GetDirectoryName(app.File("x"))!, "-c", script, "edge").WithEnvironment("DIR", app.File("")).WaitFor(api);
        await app.StartAsync();
        await app.LineAsync("edge", "up");

        await app.Running.StopAsync(Cancel);

        (await File.ReadAllLinesAsync(app.File("stops"), Cancel)).ShouldBe(["edge", "api", "database"]);
    }
}
