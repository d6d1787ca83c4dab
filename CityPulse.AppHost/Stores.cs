using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CityPulse.AppHost;

/// <summary>Image tags for the manifest and for container runtimes.</summary>
internal static class ContainerVersions
{
    public const string Postgres = "17.6";
    public const string Redis = "8.2";
    public const string PostgresVolume = "citypulse-postgres";
    public const string RedisVolume = "citypulse-redis";
}

/// <summary>
/// Where data live: given connection strings, else containers where they can be had (always in the manifest), else processes of
/// <c>CityPulse.Stores</c> on this machine.
/// </summary>
internal static class Stores
{
    public static IResourceBuilder<IResourceWithConnectionString> AddCityDatabase(this IDistributedApplicationBuilder builder, Settings settings)
    {
        if (IsGiven(builder, "citydb"))
        {
            return builder.AddConnectionString("citydb");
        }

        var password = builder.AddParameter("postgres-password", secret: true);
        if (Containers.CanBeUsed(builder))
        {
            return builder.AddPostgresContainer(password);
        }

        var server = builder.AddStore(new PostgresProcess("postgres", password.Resource), password)
            .WithArgs("--data", Path.Combine(settings.DataFolder, "postgres"), "--database", "citydb");
        var database = builder.AddConnectionString("citydb", ReferenceExpression.Create($"{server};Database=citydb"));
        builder.AddCheck("citydb", new PostgresCheck(server.Resource, "citydb"));
        server.WithHealthCheck("citydb");
        return database.WithHealthCheck("citydb");
    }

    public static IResourceBuilder<IResourceWithConnectionString> AddCityRedis(this IDistributedApplicationBuilder builder)
    {
        if (IsGiven(builder, "redis"))
        {
            return builder.AddConnectionString("redis");
        }

        var password = builder.AddParameter("redis-password", secret: true);
        if (Containers.CanBeUsed(builder))
        {
            return builder.AddRedisContainer(password);
        }

        var server = builder.AddStore(new RedisProcess("redis", password.Resource), password);
        builder.AddCheck("redis", new RedisCheck(server.Resource, password.Resource));
        return server.WithHealthCheck("redis");
    }

    private static bool IsGiven(IDistributedApplicationBuilder builder, string name) =>
        builder.ExecutionContext.IsRunMode && !string.IsNullOrEmpty(builder.Configuration.GetConnectionString(name));

    private static IResourceBuilder<T> AddStore<T>(this IDistributedApplicationBuilder builder, T store, IResourceBuilder<ParameterResource> password)
        where T : StoreProcess
    {
        var resource = builder.AddResource(store).WithEndpoint(scheme: "tcp", name: "tcp");
        return resource
            .WithArgs("exec", StoreProcess.Assembly, store.Name, "--port", resource.GetEndpoint("tcp").Property(EndpointProperty.TargetPort), "--parent", $"{Environment.ProcessId}")
            .WithEnvironment("STORE_PASSWORD", password);
    }

    private static void AddCheck(this IDistributedApplicationBuilder builder, string name, IHealthCheck check) =>
        builder.Services.AddHealthChecks().AddCheck(name, check, HealthStatus.Unhealthy, tags: []);
}

/// <summary>A store that runs as a plain process; it ends with this process, whatever happens to it.</summary>
internal abstract class StoreProcess(string name)
    : ExecutableResource(name, "dotnet", Path.GetDirectoryName(new Projects.CityPulse_Stores().ProjectPath)!), IResourceWithConnectionString
{
    public static string Assembly { get; } = Path.Combine(
        Path.GetDirectoryName(new Projects.CityPulse_Stores().ProjectPath)!, "bin",
        typeof(StoreProcess).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug", "net10.0", "CityPulse.Stores.dll");

    public abstract ReferenceExpression ConnectionStringExpression { get; }

    /// <summary>IPv4 by number: both stores listen there only, and a client must not try elsewhere first.</summary>
    protected EndpointReferenceExpression Host => new EndpointReference(this, "tcp").Property(EndpointProperty.IPV4Host);

    protected EndpointReferenceExpression Port => new EndpointReference(this, "tcp").Property(EndpointProperty.Port);
}

internal sealed class PostgresProcess(string name, ParameterResource password) : StoreProcess(name)
{
    public override ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"Host={Host};Port={Port};Username=postgres;Password={password}");
}

internal sealed class RedisProcess(string name, ParameterResource password) : StoreProcess(name)
{
    public override ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Host}:{Port},password={password}");
}
