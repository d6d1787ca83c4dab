using CityPulse.AiGateway.Conversations;
using CityPulse.Realtime.Feed;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.Testing;
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
        "/api/v1/auth/register", "/api/v1/info", "/api/v1/swarm/{**rest}", "/docs/", "/health/", "/metrics", "/openapi/", "/ws", "/ws/{**rest}",
    ];

    [Fact]
    public async Task Every_endpoint_of_the_api_says_who_may_call_it()
    {
        var host = await ApiHost.SharedAsync(stores);
        ShouldSayWhoMayCall(host.Services, atLeast: 20);
    }

    [Fact]
    public async Task Every_endpoint_of_realtime_says_who_may_call_it()
    {
        await using var host = Host<RealtimeOptions>(new() { ["ConnectionStrings:redis"] = await stores.GetRedisAsync() });
        ShouldSayWhoMayCall(host.Services, atLeast: 5);
    }

    [Fact]
    public async Task Every_endpoint_of_the_ai_gateway_says_who_may_call_it()
    {
        await using var host = Host<ConversationStore>(new()
        {
            ["ConnectionStrings:redis"] = await stores.GetRedisAsync(),
            ["ConnectionStrings:citydb"] = await stores.CreateDatabaseAsync(),
        });
        ShouldSayWhoMayCall(host.Services, atLeast: 8);
    }

    private static WebApplicationFactory<T> Host<T>(Dictionary<string, string?> settings)
        where T : class => new WebApplicationFactory<T>().WithWebHostBuilder(builder =>
        {
            foreach (var (key, value) in settings.Append(new("Internal:Key", ApiHost.InternalKey)))
            {
                builder.UseSetting(key, value);
            }
        });

    private static void ShouldSayWhoMayCall(IServiceProvider services, int atLeast)
    {
        var endpoints = services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        endpoints.Count.ShouldBeGreaterThanOrEqualTo(atLeast);
        endpoints.Where(e => e.Metadata.GetMetadata<IAuthorizeData>() is null && e.Metadata.GetMetadata<IAllowAnonymous>() is null
                && e.Metadata.GetMetadata<AuthorizationPolicy>() is null)
            .Select(e => e.RoutePattern.RawText).ShouldBeEmpty();
        endpoints.Where(e => e.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            .Select(e => '/' + (e.RoutePattern.RawText ?? "").Trim('/'))
            .Where(path => !Open.Any(open => path == open || (open.EndsWith('/') && $"{path}/".StartsWith(open, StringComparison.Ordinal))))
            .ShouldBeEmpty();
    }
}
