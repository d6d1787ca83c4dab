using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.Architecture;

/// <summary>Nobody forgets to say who may call an endpoint.</summary>
public sealed class EndpointGuardTests(TestStores stores)
{
    /// <summary>What is open to everybody, all of it; an addition wants a second look.</summary>
    private static readonly string[] Open =
    [
        "/.well-known/jwks.json", "/api/v1/ai/{**rest}", "/api/v1/auth/login", "/api/v1/auth/logout", "/api/v1/auth/refresh",
        "/api/v1/auth/register", "/api/v1/info", "/api/v1/swarm/{**rest}", "/docs/", "/health/", "/metrics", "/openapi/", "/ws/{**rest}",
    ];

    [Fact]
    public async Task Every_endpoint_of_the_api_says_who_may_call_it()
    {
        await using var host = await ApiHost.StartAsync(stores);
        var endpoints = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        endpoints.Count.ShouldBeGreaterThan(20);

        endpoints.Where(e => e.Metadata.GetMetadata<IAuthorizeData>() is null && e.Metadata.GetMetadata<IAllowAnonymous>() is null
                && e.Metadata.GetMetadata<AuthorizationPolicy>() is null)
            .Select(e => e.RoutePattern.RawText).ShouldBeEmpty();
        endpoints.Where(e => e.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            .Select(e => '/' + (e.RoutePattern.RawText ?? "").Trim('/'))
            .Where(path => !Open.Any(open => path == open || (open.EndsWith('/') && $"{path}/".StartsWith(open, StringComparison.Ordinal))))
            .ShouldBeEmpty();
    }
}
