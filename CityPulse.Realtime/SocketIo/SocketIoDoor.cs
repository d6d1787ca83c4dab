using CityPulse.Realtime.Feed;
using CityPulse.Realtime.SocketIo.Domain;
using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CityPulse.Realtime.SocketIo;

/// <summary>Socket.IO's side of the door: the same address, told apart by Engine.IO's query.</summary>
internal static class SocketIoDoor
{
    public static void AddSocketIoDoor(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SocketIoCalls>();
        builder.Services.AddSingleton<SocketIoSignIn>();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, EngineRequests>());
    }

    public static void MapSocketIoDoor(this WebApplication app) =>
        app.Map(Door.Path, EnterAsync)
            .WithMetadata(new EngineEndpoint())
            // The token comes in the first packet, and nothing is told before it.
            .AllowAnonymous()
            .ExcludeFromDescription();

    private static async Task EnterAsync(HttpContext context)
    {
        var request = context.Request;
        var fault = EngineHandshake.Judge(
            request.Query[EngineHandshake.VersionParameter], request.Query[EngineHandshake.TransportParameter], request.Query[EngineHandshake.SessionParameter],
            HttpMethods.IsGet(request.Method), context.WebSockets.IsWebSocketRequest);
        if (fault is not null)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsJsonAsync(fault);
            return;
        }

        // Heartbeats are Engine.IO's own.
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        await using var session = ActivatorUtilities.CreateInstance<SocketIoSession>(context.RequestServices, socket, context);
        await session.RunAsync();
    }
}

/// <summary>Marks the endpoint of Engine.IO's requests.</summary>
internal sealed class EngineEndpoint;

/// <summary>Sends Engine.IO's requests to their endpoint, and all others past it.</summary>
internal sealed class EngineRequests : MatcherPolicy, IEndpointSelectorPolicy
{
    public override int Order => 0;

    public static bool IsEngine(HttpRequest request) => request.Query.ContainsKey(EngineHandshake.VersionParameter);

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) =>
        endpoints.Any(endpoint => endpoint.Metadata.GetMetadata<EngineEndpoint>() is not null);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        for (var i = 0; i < candidates.Count; i++)
        {
            var isEngines = candidates[i].Endpoint.Metadata.GetMetadata<EngineEndpoint>() is not null;
            if (candidates.IsValidCandidate(i) && isEngines != IsEngine(httpContext.Request))
            {
                candidates.SetValidity(i, false);
            }
        }

        return Task.CompletedTask;
    }
}
