using System.Globalization;
using System.Security.Claims;
using CityPulse.Contracts;
using CityPulse.Realtime.Presence;
using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Options;

namespace CityPulse.Realtime.Feed;

/// <summary>Lets signed-in clients into the feed, whatever their protocol, and sees to it that they leave when their token ends.</summary>
internal sealed class Admission(
    Broadcaster broadcaster, PresenceBoard presence, IOptions<RealtimeOptions> options, FeedMetrics metrics, TimeProvider time)
{
    /// <param name="user">Who the access token says it is.</param>
    /// <param name="frontend">The frontend that narrows the rights, if one does.</param>
    public FeedConnection Admit(string id, ClaimsPrincipal user, Frontend? frontend, string accessToken, IFeedSink sink)
    {
        var connection = new FeedConnection(id, user.GetCaller() with { Frontend = frontend }, accessToken, sink, options.Value, metrics, time);
        var seconds = long.Parse(user.FindFirst("exp")!.Value, CultureInfo.InvariantCulture);
        connection.CloseAt(DateTimeOffset.FromUnixTimeSeconds(seconds), FeedClose.Expired);
        broadcaster.Connect(connection);
        presence.Joined(PersonOf(connection));
        return connection;
    }

    /// <summary>Once a connection.</summary>
    public void Dismiss(FeedConnection connection)
    {
        broadcaster.Disconnect(connection);
        presence.Left(PersonOf(connection));
    }

    private static PresentPerson PersonOf(FeedConnection connection) =>
        new(connection.Caller.OrganizationId, connection.Caller.UserId, connection.Caller.Frontend);
}
