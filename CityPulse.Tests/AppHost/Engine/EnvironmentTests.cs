using CityPulse.AppHost.Standalone.Running;
using Shouldly;

namespace CityPulse.Tests.AppHost.Engine;

/// <summary>The variables that services read are those that Aspire injects.</summary>
public sealed class EnvironmentTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_project_gets_its_own_ports_and_the_addresses_of_what_it_refers_to()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var secret = builder.AddParameter("key", "s3cret", secret: true);
        var database = builder.AddConnectionString("citydb", ReferenceExpression.Create($"Host=db;Password={secret}"));
        var realtime = builder.AddProject<Projects.CityPulse_Realtime>("realtime")
            .WithHttpEndpoint().WithHttpEndpoint(name: "internal", env: "INTERNAL_HTTP_PORT");
        var api = builder.AddProject<Projects.CityPulse_Api>("api")
            .WithHttpEndpoint(port: 8001).WithHttpEndpoint(name: "internal", env: "INTERNAL_HTTP_PORT")
            .WithReference(database).WithReference(realtime)
            .WithEnvironment("Internal__Key", secret)
            .WithEnvironment("Edge", realtime.GetEndpoint("http"));
        Allocate(realtime.Resource, "http", 101, 101);
        Allocate(realtime.Resource, "internal", 102, 102);
        Allocate(api.Resource, "http", 8001, 8001);
        Allocate(api.Resource, "internal", 104, 104);

        var environment = (await ProcessDescriptions.DescribeAsync(api.Resource, 0, coloured: false, Cancel)).Environment;

        environment["ASPNETCORE_URLS"].ShouldBe("http://localhost:8001");
        environment["INTERNAL_HTTP_PORT"].ShouldBe("104");
        environment["services__realtime__http__0"].ShouldBe("http://localhost:101");
        environment["services__realtime__internal__0"].ShouldBe("http://localhost:102");
        environment["ConnectionStrings__citydb"].ShouldBe("Host=db;Password=s3cret");
        environment["Internal__Key"].ShouldBe("s3cret");
        environment["Edge"].ShouldBe("http://localhost:101");
        environment["OTEL_SERVICE_NAME"].ShouldBe("api");
        environment["OTEL_RESOURCE_ATTRIBUTES"].ShouldBe("service.instance.id=api-0");
    }

    [Fact]
    public async Task Each_replica_gets_ports_of_its_own_while_others_are_told_the_shared_one()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var realtime = builder.AddProject<Projects.CityPulse_Realtime>("realtime").WithHttpEndpoint().WithReplicas(2);
        var api = builder.AddProject<Projects.CityPulse_Api>("api").WithReference(realtime);
        Allocate(realtime.Resource, "http", 100, 101, 102);

        var first = await ProcessDescriptions.DescribeAsync(realtime.Resource, 0, coloured: false, Cancel);
        var second = await ProcessDescriptions.DescribeAsync(realtime.Resource, 1, coloured: false, Cancel);
        var other = await ProcessDescriptions.DescribeAsync(api.Resource, 0, coloured: false, Cancel);

        first.Environment["ASPNETCORE_URLS"].ShouldBe("http://localhost:101");
        second.Environment["ASPNETCORE_URLS"].ShouldBe("http://localhost:102");
        second.Environment["OTEL_RESOURCE_ATTRIBUTES"].ShouldBe("service.instance.id=realtime-1");
        other.Environment["services__realtime__http__0"].ShouldBe("http://localhost:100");
    }

    [Fact]
    public async Task A_reference_writes_only_what_was_asked_for()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var database = builder.AddConnectionString("citydb", ReferenceExpression.Create($"Host=db"));
        var api = builder.AddProject<Projects.CityPulse_Api>("api")
            .WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ServiceDiscovery)
            .WithReference(database);

        var environment = (await ProcessDescriptions.DescribeAsync(api.Resource, 0, coloured: false, Cancel)).Environment;

        environment.Keys.ShouldNotContain("ConnectionStrings__citydb");
    }

    [Fact]
    public async Task What_was_meant_for_the_AppHost_does_not_reach_a_service()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var work = builder.AddProject<Projects.CityPulse_Samples>("samples");

        var environment = (await ProcessDescriptions.DescribeAsync(work.Resource, 0, coloured: false, Cancel)).Environment;

        environment["ASPNETCORE_URLS"].ShouldBeNull();
        environment["ASPNETCORE_HTTP_PORTS"].ShouldBeNull();
    }

    private static void Allocate(ProjectResource resource, string endpoint, int port, params int[] targets) =>
        resource.Annotations.OfType<EndpointAnnotation>().Single(e => e.Name == endpoint).Allocated = new AllocatedPorts(port, targets);
}
