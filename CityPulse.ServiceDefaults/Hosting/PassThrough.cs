using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>
/// Marks endpoints that hand a request on to another service: bodies go through untouched in both directions, and how long it takes
/// says nothing about this service.
/// </summary>
public static class PassThroughExtensions
{
    private sealed class Marker
    {
        public static readonly Marker Instance = new();
    }

    public static TBuilder PassThrough<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(Marker.Instance);

    public static bool IsPassThrough(this HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<Marker>() is not null;
}
