namespace CityPulse.AppHost;

/// <summary>
/// The stores as containers, as the manifest describes them. The twin of this file for real Aspire is <c>Containers.cs</c> in the
/// project's folder; this engine runs no containers.
/// </summary>
internal static class Containers
{
    public static bool CanBeUsed(IDistributedApplicationBuilder builder) => builder.ExecutionContext.IsPublishMode;

    public static IResourceBuilder<IResourceWithConnectionString> AddPostgresContainer(this IDistributedApplicationBuilder builder, IResourceBuilder<ParameterResource> password)
    {
        var server = builder.AddResource(new PostgresContainer("postgres", password.Resource))
            .WithAnnotation(new ContainerImageAnnotation("docker.io", "library/postgres", ContainerVersions.Postgres, Entrypoint: null))
            .WithAnnotation(new ContainerVolumeAnnotation(ContainerVersions.PostgresVolume, "/var/lib/postgresql/data"))
            .WithEndpoint(targetPort: 5432, name: "tcp")
            .WithEnvironment("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256")
            .WithEnvironment("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=scram-sha-256")
            .WithEnvironment("POSTGRES_USER", "postgres")
            .WithEnvironment("POSTGRES_PASSWORD", password)
            .WithEnvironment("POSTGRES_DB", "citydb");
        return builder.AddConnectionString("citydb", ReferenceExpression.Create($"{server};Database=citydb"));
    }

    public static IResourceBuilder<IResourceWithConnectionString> AddRedisContainer(this IDistributedApplicationBuilder builder, IResourceBuilder<ParameterResource> password) =>
        builder.AddResource(new RedisContainer("redis", password.Resource))
            .WithAnnotation(new ContainerImageAnnotation("docker.io", "library/redis", ContainerVersions.Redis, Entrypoint: "/bin/sh"))
            .WithArgs("-c", "redis-server --requirepass $REDIS_PASSWORD")
            .WithAnnotation(new ContainerVolumeAnnotation(ContainerVersions.RedisVolume, "/data"))
            .WithEndpoint(targetPort: 6379, name: "tcp")
            .WithEnvironment("REDIS_PASSWORD", password);

    private sealed class PostgresContainer(string name, ParameterResource password) : ContainerResource(name), IResourceWithConnectionString
    {
        public ReferenceExpression ConnectionStringExpression { get; } = ReferenceExpression.Create(
            $"Host={Part(name, "host")};Port={Part(name, "port")};Username=postgres;Password={password}");
    }

    private sealed class RedisContainer(string name, ParameterResource password) : ContainerResource(name), IResourceWithConnectionString
    {
        public ReferenceExpression ConnectionStringExpression { get; } = ReferenceExpression.Create(
            $"{Part(name, "host")}:{Part(name, "port")},password={password}");
    }

    private static string Part(string name, string part) => $"{{{name}.bindings.tcp.{part}}}";
}
