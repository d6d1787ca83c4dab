using Microsoft.Extensions.Options;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// At shutdown tells every client to come back, which leads it to another replica, and gives it time to go. It has to
/// happen in the stopping event itself, before SignalR's own handler, which cuts the connections without a word.
/// </summary>
internal sealed class Drain(Broadcaster broadcaster, IOptions<RealtimeOptions> options, ILogger<Drain> log)
{
    /// <summary>Blocks the shutdown until the connections are gone or the time is up.</summary>
    public void Run()
    {
        var connections = broadcaster.Connections;
        if (connections.Count == 0)
        {
            return;
        }

        log.LogInformation("Telling {Connections} connections to reconnect", connections.Count);
        var closing = Task.WhenAll(connections.Select(connection => connection.CloseAsync(FeedClose.Restart)));
        if (!closing.Wait(options.Value.DrainTime))
        {
            log.LogWarning("Not all connections went in time");
        }
    }
}
