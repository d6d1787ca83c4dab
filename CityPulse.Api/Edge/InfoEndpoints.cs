using CityPulse.ServiceDefaults.Health;

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

    private static InfoAnswer Info(ServiceIdentity identity, EndpointDataSource endpoints, IConfiguration configuration) => new(
        "CityPulse",
        identity.Version,
        identity.Environment,
        "v1",
        new FeaturesAnswer(
            Citypulse: true,
            Ai: configuration.GetValue("Features:Ai", true),
            Swarm: configuration.GetValue("Features:Swarm", false),
            Realtime: configuration.GetValue("Features:Realtime", true)),
        Addresses(endpoints),
        "/docs");

    /// <summary>Where the parts of the API begin, not each call of them: that is the documentation's to say.</summary>
    private static List<string> Addresses(EndpointDataSource endpoints) =>
    [
        .. endpoints.Endpoints.OfType<RouteEndpoint>()
            .Select(endpoint => Root('/' + endpoint.RoutePattern.RawText?.TrimStart('/')))
            .OfType<string>()
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
