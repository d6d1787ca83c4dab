using CityPulse.Realtime.SocketIo;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// What is common to all who come through <c>/ws</c>, before any protocol: a page of a foreign origin is turned away, as
/// CORS does not apply to WebSockets and a browser would let it in; and a stopping replica takes nobody new.
/// </summary>
internal sealed class Door(RequestDelegate next, IHostApplicationLifetime lifetime, AllowedOrigins origins)
{
    public const string Path = "/ws";

    /// <summary>Bytes of the longest message that a client may send.</summary>
    public const int LongestCall = 64 * 1024;

    public async Task InvokeAsync(HttpContext context)
    {
        if (!context.Request.Path.StartsWithSegments(Path, out var rest))
        {
            await next(context);
            return;
        }

        if (!origins.Allows(context.Request))
        {
            await Problems.Of(StatusCodes.Status403Forbidden, "Pages of this origin may not connect.").ExecuteAsync(context);
            return;
        }

        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            context.Response.Headers.RetryAfter = "1";
            await Problems.Of(StatusCodes.Status503ServiceUnavailable, "This replica is stopping. Connect again.").ExecuteAsync(context);
            return;
        }

        // Engine.IO has words of its own for what follows.
        var isHub = rest.Value is null or "" or "/" && !EngineRequests.IsEngine(context.Request);
        if (isHub && !context.WebSockets.IsWebSocketRequest)
        {
            context.Response.Headers.Upgrade = "websocket";
            await Problems.Of(StatusCodes.Status426UpgradeRequired, "This is a door for WebSockets: connect with a SignalR or Socket.IO client.")
                .ExecuteAsync(context);
            return;
        }

        if (isHub && context.Request.Query.ContainsKey("id"))
        {
            // SignalR names a connection that one replica has promised. Here any replica opens a new one instead, so
            // that no load balancer has to be sticky; nothing is lost, as nothing happens between the two requests.
            context.Request.QueryString = QueryString.Create(context.Request.Query.Where(parameter => parameter.Key != "id"));
        }

        await next(context);
    }
}
