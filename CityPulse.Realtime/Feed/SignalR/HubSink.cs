using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;

namespace CityPulse.Realtime.Feed.SignalR;

/// <summary>Writes events to one SignalR connection. The message is serialised once a protocol, not once a client.</summary>
internal sealed class HubSink(HubConnectionContext connection) : IFeedSink
{
    private static readonly Func<FeedEvent, SerializedHubMessage> Render =
        feedEvent => new SerializedHubMessage(new InvocationMessage(nameof(IFeedClient.@event), [feedEvent]));

    public ValueTask SendAsync(FeedEvent feedEvent) => connection.WriteAsync(feedEvent.As(Render));

    public async Task CloseAsync(FeedClose why, TimeSpan patience)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var onGone = connection.ConnectionAborted.Register(() => gone.TrySetResult());
        try
        {
            await SayGoodbyeAsync(why).WaitAsync(patience);
            // The client closes when it has read this; hanging up first could take the words from it.
            await gone.Task.WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            // It does not read. It will find the connection closed.
        }

        connection.Abort();
    }

    private async Task SayGoodbyeAsync(FeedClose why)
    {
        if (why is FeedClose.Restart)
        {
            // No error: clients that reconnect by themselves do, the others end normally.
            await connection.WriteAsync(new CloseMessage(error: null, allowReconnect: true));
            return;
        }

        await connection.WriteAsync(new InvocationMessage(nameof(IFeedClient.error), [new FeedError(why.Code(), why.Detail())]));
        await connection.WriteAsync(new CloseMessage(why.Code(), allowReconnect: why.MayReturn()));
    }
}
