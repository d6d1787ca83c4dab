using CityPulse.AppHost.Standalone.Running;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

/// <summary>What AppHost.cs says, read from the model that it builds.</summary>
public sealed class TopologyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_edge_waits_for_the_stores_and_the_others_wait_for_the_edge()
    {
        await using var builder = await CreateAsync();
        var waits = builder.Resources.ToDictionary(r => r.Name, r => r.Annotations.OfType<WaitAnnotation>().Select(w => w.Resource.Name).Order().ToArray());

        waits["api"].ShouldBe(["citydb", "redis"]);
        waits["realtime"].ShouldBe(["api", "redis"]);
        waits["aigateway"].ShouldBe(["api", "citydb", "redis"]);
    }

    [Fact]
    public async Task Only_the_edge_is_open_to_the_world_and_only_on_its_public_port()
    {
        await using var builder = await CreateAsync();
        var open = builder.Resources.SelectMany(r => r.Annotations.OfType<EndpointAnnotation>().Where(e => e.IsExternal).Select(e => $"{r.Name}/{e.Name}"));

        open.ShouldBe(["api/http"]);
    }

    [Fact]
    public async Task The_sample_city_is_left_out_of_tests_and_loaded_in_development()
    {
        await using (var without = await CreateAsync())
        {
            without.Resources.ShouldNotContain(r => r.Name == "samples");
        }

        await using var with = await CreateAsync("--Sample=true");
        with.Resources.ShouldContain(r => r.Name == "samples");
        await using var off = await CreateAsync("--Sample=true", "--no-sample");
        off.Resources.ShouldNotContain(r => r.Name == "samples");
    }

    [Fact]
    public async Task Given_connection_strings_are_used_and_no_store_is_started()
    {
        await using var builder = await CreateAsync("--ConnectionStrings:citydb=Host=elsewhere", "--ConnectionStrings:redis=cache:6379");
        var api = builder.Resources.Single(r => r.Name == "api");
        foreach (var endpoint in builder.Resources.SelectMany(r => r.Annotations.OfType<EndpointAnnotation>()))
        {
            endpoint.Allocated = new AllocatedPorts(1, [1]);
        }

        var environment = (await ProcessDescriptions.DescribeAsync(api, 0, coloured: false, Cancel)).Environment;

        builder.Resources.OfType<ExecutableResource>().ShouldBeEmpty();
        environment["ConnectionStrings__citydb"].ShouldBe("Host=elsewhere");
        environment["ConnectionStrings__redis"].ShouldBe("cache:6379");
    }

    [Fact]
    public async Task Replicas_come_from_configuration()
    {
        await using var builder = await CreateAsync("--Replicas:Realtime=3");

        builder.Resources.Single(r => r.Name == "realtime").ReplicaCount().ShouldBe(3);
        builder.Resources.Single(r => r.Name == "api").ReplicaCount().ShouldBe(1);
    }

    [Theory]
    [InlineData("--Port=abc", "Port must be a whole number from 1 to 65535, but is 'abc'.")]
    [InlineData("--Port=70000", "Port must be a whole number from 1 to 65535, but is '70000'.")]
    [InlineData("--Replicas:Api=0", "Replicas:api must be a whole number from 1 to 32, but is '0'.")]
    [InlineData("--Sample=maybe", "Sample must be true or false, but is 'maybe'.")]
    public async Task A_wrong_setting_is_refused_with_a_sentence(string argument, string message) =>
        (await Should.ThrowAsync<DistributedApplicationException>(() => CreateAsync(argument))).Message.ShouldBe(message);

    [Fact]
    public async Task A_wrong_setting_on_the_command_line_shows_no_stack_trace()
    {
        var (exitCode, _, errors) = await AppHostProcess.RunAsync("--Port=abc");

        exitCode.ShouldBe(1);
        errors.Trim().ShouldBe("Port must be a whole number from 1 to 65535, but is 'abc'.");
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] args) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.CityPulse_AppHost>(args, Cancel);
}
