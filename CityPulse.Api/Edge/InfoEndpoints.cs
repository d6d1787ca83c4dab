using CityPulse.ServiceDefaults.Health;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Edge;

/// <summary>What this installation is and offers.</summary>
public sealed record InfoAnswer(
    string Name, string Version, string Environment, string ApiVersion, FeaturesAnswer Features, IReadOnlyList<string> Endpoints, string Documentation);

/// <summary>Which parts of the API there are; section <c>Features</c>.</summary>
public sealed record FeaturesAnswer(bool Citypulse, bool Ai, bool Swarm, bool Realtime);

internal static class InfoEndpoints
{
    public static void MapInfo(this IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/info", Info)
        .WithName("GetInfo")
        .WithSummary("What this installation is and offers")
        .WithTags("Operations")
        .AllowAnonymous();

    private static InfoAnswer Info(ServiceIdentity identity, EndpointDataSource endpoints, IOptions<FeatureOptions> options)
    {
        var features = options.Value;
        return new(
            "CityPulse",
            identity.Version,
            identity.Environment,
            "v1",
            new FeaturesAnswer(features.CityPulse, features.Ai, features.Swarm, features.Realtime),
            Addresses(endpoints, features),
            "/docs");
    }

    /// <summary>Where the parts of the API begin, not each call of them: that is the documentation's to say.</summary>
    private static List<string> Addresses(EndpointDataSource endpoints, FeatureOptions features) =>
    [
        .. endpoints.Endpoints.OfType<RouteEndpoint>()
            .Select(endpoint => Root('/' + endpoint.RoutePattern.RawText?.TrimStart('/')))
            .OfType<string>()
            .Where(root => features.Serves(root))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    private static string? Root(string pattern)
    {
        var parts = pattern.Split('/', StringSplitOptions.RemoveEmptyEntries).TakeWhile(part => part[0] != '{').ToArray();
        return parts switch
        {
            ["api", "v1", "citypulse", var resource, ..] => $"/api/v1/citypulse/{resource}",
            ["api", "v1", var part, ..] => $"/api/v1/{part}",
            ["ws", ..] => "/ws",
            _ => null,
        };
    }
}
