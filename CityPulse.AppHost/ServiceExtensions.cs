namespace CityPulse.AppHost;

/// <summary>What all services have in common.</summary>
internal static class ServiceExtensions
{
    /// <summary>
    /// A service with its public HTTP endpoint, an internal one (metrics, calls between services), and its readiness as health.
    /// What it refers to is written as connection strings and service discovery only: the derived password variables would end
    /// in plain ConfigMaps.
    /// </summary>
    public static IResourceBuilder<ProjectResource> AddService<TProject>(
        this IDistributedApplicationBuilder builder, string name, Settings settings, IResourceBuilder<ParameterResource> internalKey, int? port = null, bool external = false)
        where TProject : IProjectMetadata, new()
    {
        var publish = builder.ExecutionContext.IsPublishMode;
        var service = builder.AddProject<TProject>(name, launchProfileName: null)
            .WithHttpEndpoint(port: publish ? null : port, targetPort: publish ? 8080 : null);
        if (external)
        {
            // Opens what is there so far: the internal endpoint comes after it.
            service.WithExternalHttpEndpoints();
        }

        service
            .WithHttpEndpoint(targetPort: publish ? 8081 : null, name: "internal", env: "INTERNAL_HTTP_PORT")
            .WithHttpHealthCheck("/health/ready")
            .WithReplicas(settings.Replicas(name))
            .WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString | ReferenceEnvironmentInjectionFlags.ServiceDiscovery)
            .WithEnvironment("Internal__Key", internalKey);
        foreach (var (tier, permits) in settings.Limits)
        {
            service.WithEnvironment($"RateLimiting__Tiers__{tier}__Permits", $"{permits}");
        }

        return publish ? service : service.WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName);
    }
}
