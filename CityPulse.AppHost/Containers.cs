namespace CityPulse.AppHost;

/// <summary>The stores as containers. The only file that needs real Aspire; the other engine's twin is in Standalone/.</summary>
internal static class Containers
{
    /// <summary>Always in the manifest; in a run where docker or podman is installed, unless <c>Stores=embedded</c> is said.</summary>
    public static bool CanBeUsed(IDistributedApplicationBuilder builder) =>
        builder.ExecutionContext.IsPublishMode
        || (builder.Configuration["Stores"] switch
        {
            null or "" => IsOnPath("docker") || IsOnPath("podman"),
            "containers" => true,
            "embedded" => false,
            var other => throw new DistributedApplicationException($"Stores must be containers or embedded, but is '{other}'."),
        });

    public static IResourceBuilder<IResourceWithConnectionString> AddPostgresContainer(this IDistributedApplicationBuilder builder, IResourceBuilder<ParameterResource> password) =>
        builder.AddPostgres("postgres", password: password)
            .WithImageTag(ContainerVersions.Postgres)
            .WithDataVolume(ContainerVersions.PostgresVolume)
            // In a cluster nobody else makes the database.
            .WithEnvironment("POSTGRES_DB", "citydb")
            .AddDatabase("citydb");

    public static IResourceBuilder<IResourceWithConnectionString> AddRedisContainer(this IDistributedApplicationBuilder builder, IResourceBuilder<ParameterResource> password)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            return builder.AddRedis("redis", password: password).WithImageTag(ContainerVersions.Redis);
        }

        // Aspire's own Redis resource would put a TLS condition into the connection string, which aspirate cannot read.
        return builder.AddResource(new RedisContainer("redis", password.Resource))
            .WithImage("library/redis", ContainerVersions.Redis)
            .WithImageRegistry("docker.io")
            .WithEntrypoint("/bin/sh")
            .WithArgs("-c", "redis-server --requirepass $REDIS_PASSWORD")
            .WithVolume(ContainerVersions.RedisVolume, "/data")
            .WithEndpoint(targetPort: 6379, name: "tcp")
            .WithEnvironment("REDIS_PASSWORD", password);
    }

    private static bool IsOnPath(string command) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, OperatingSystem.IsWindows() ? command + ".exe" : command)));

    private sealed class RedisContainer(string name, ParameterResource password) : ContainerResource(name), IResourceWithConnectionString
    {
        public ReferenceExpression ConnectionStringExpression
        {
            get
            {
                var tcp = new EndpointReference(this, "tcp");
                return ReferenceExpression.Create($"{tcp.Property(EndpointProperty.Host)}:{tcp.Property(EndpointProperty.Port)},password={password}");
            }
        }
    }
}
