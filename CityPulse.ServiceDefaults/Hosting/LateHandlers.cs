using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CityPulse;

/// <summary>
/// <c>MapGet</c> and its like, with handlers whose binding is compiled when they are first called. The framework compiles all of them before
/// it answers the first request, which is a quarter of what a start computes, mostly for routes that this replica is not asked for soon.
/// What a handler binds to is read at start all the same, so one that cannot be bound stops the start.
/// In this namespace, and so before the framework's own for all code of the services.
/// </summary>
public static class LateHandlers
{
    public static RouteHandlerBuilder MapGet(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Delegate handler) =>
        Map(endpoints, pattern, HttpMethods.Get, handler);

    public static RouteHandlerBuilder MapPost(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Delegate handler) =>
        Map(endpoints, pattern, HttpMethods.Post, handler);

    public static RouteHandlerBuilder MapPut(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Delegate handler) =>
        Map(endpoints, pattern, HttpMethods.Put, handler);

    public static RouteHandlerBuilder MapPatch(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Delegate handler) =>
        Map(endpoints, pattern, HttpMethods.Patch, handler);

    public static RouteHandlerBuilder MapDelete(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Delegate handler) =>
        Map(endpoints, pattern, HttpMethods.Delete, handler);

    private static RouteHandlerBuilder Map(IEndpointRouteBuilder endpoints, string pattern, string method, Delegate handler) =>
        RouteHandlerServices.Map(endpoints, pattern, handler, [method], RequestDelegateFactory.InferMetadata, Create);

    private static RequestDelegateResult Create(Delegate handler, RequestDelegateFactoryOptions options, RequestDelegateMetadataResult? metadata) =>
        new(new LateHandler(handler, options, metadata).InvokeAsync, metadata?.EndpointMetadata ?? []);

    private sealed class LateHandler(Delegate handler, RequestDelegateFactoryOptions options, RequestDelegateMetadataResult? metadata)
    {
        private readonly Lock _gate = new();
        private volatile RequestDelegate? _compiled;

        public Task InvokeAsync(HttpContext context) => (_compiled ?? Compile())(context);

        private RequestDelegate Compile()
        {
            lock (_gate)
            {
                return _compiled ??= RequestDelegateFactory.Create(handler, options, metadata).RequestDelegate;
            }
        }
    }
}
