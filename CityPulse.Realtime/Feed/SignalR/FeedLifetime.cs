using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.SignalR;

namespace CityPulse.Realtime.Feed.SignalR;

/// <summary>
/// Brings SignalR's connections to the feed. A lifetime manager, as that is where SignalR shows the connection itself,
/// to which messages can be written that were serialised once for all.
/// </summary>
internal sealed class FeedLifetime(Admission admission, ILogger<DefaultHubLifetimeManager<FeedHub>> log)
    : DefaultHubLifetimeManager<FeedHub>(log)
{
    private static readonly object Key = new();

    /// <summary>The feed's side of a hub connection.</summary>
    public static FeedConnection ConnectionOf(HubCallerContext context) => (FeedConnection)context.Items[Key]!;

    public override async Task OnConnectedAsync(HubConnectionContext connection)
    {
        await base.OnConnectedAsync(connection);
        var request = connection.GetHttpContext() ?? throw new InvalidOperationException("The hub is reached over HTTP only.");
        connection.Items[Key] = admission.Admit(
            connection.ConnectionId, request.User, request.GetFrontend(), AccessTokenOf(request), new HubSink(connection));
    }

    public override async Task OnDisconnectedAsync(HubConnectionContext connection)
    {
        if (connection.Items.TryGetValue(Key, out var feed))
        {
            admission.Dismiss((FeedConnection)feed!);
        }

        await base.OnDisconnectedAsync(connection);
    }

    private static string AccessTokenOf(HttpContext request)
    {
        const string prefix = "Bearer ";
        var header = request.Request.Headers.Authorization.ToString();
        return header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
            ? header[prefix.Length..].Trim()
            : request.Request.Query["access_token"].ToString();
    }
}
