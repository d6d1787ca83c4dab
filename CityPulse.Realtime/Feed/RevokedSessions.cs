using CityPulse.ServiceDefaults.Revocations;

namespace CityPulse.Realtime.Feed;

/// <summary>
/// Ends the connections of sessions that have ended. All connections are gone over after each look, not just those that the look is
/// news of: one may have been on its way in when its session ended.
/// </summary>
internal sealed class RevokedSessions(IRevocations revocations, Broadcaster broadcaster) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        revocations.Looked += GoOver;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        revocations.Looked -= GoOver;
        return Task.CompletedTask;
    }

    private void GoOver()
    {
        var current = revocations.IsCurrent;
        foreach (var connection in broadcaster.Connections)
        {
            if (!current)
            {
                _ = connection.CloseAsync(FeedClose.Unverified);
            }
            else if (connection.Caller.FamilyId is not { } family || revocations.IsKnown(family))
            {
                _ = connection.CloseAsync(FeedClose.Revoked);
            }
        }
    }
}
