using System.Diagnostics;

namespace CityPulse.Realtime.Feed;

/// <summary>Why the server ends a connection. The client may always come back, and resume with <c>since</c>.</summary>
internal enum FeedClose
{
    /// <summary>The client reads too slowly: its queue is full.</summary>
    Overflow,
    /// <summary>The access token has expired.</summary>
    Expired,
    /// <summary>The service stops; another replica takes over.</summary>
    Restart,
    /// <summary>Events were lost at the source; only resuming tells the client what to read again.</summary>
    Gap,
    /// <summary>The session was ended: signed out, disabled, or its tokens stolen.</summary>
    Revoked,
    /// <summary>For too long nobody could say which sessions have ended.</summary>
    Unverified,
}

internal static class FeedCloseExtensions
{
    /// <summary>The word that clients see.</summary>
    public static string Code(this FeedClose why) => why switch
    {
        FeedClose.Overflow => "overflow",
        FeedClose.Expired => "expired",
        FeedClose.Restart => "restart",
        FeedClose.Gap => "gap",
        FeedClose.Revoked => "revoked",
        FeedClose.Unverified => "unverified",
        _ => throw new UnreachableException(),
    };

    /// <summary>Whether the same client can come back as it is.</summary>
    public static bool MayReturn(this FeedClose why) => why is not FeedClose.Revoked;

    public static string Detail(this FeedClose why) => why switch
    {
        FeedClose.Overflow => "You read too slowly. Connect again and subscribe with since.",
        FeedClose.Expired => "The access token has expired. Connect again with a new one.",
        FeedClose.Restart => "The service restarts. Connect again and subscribe with since.",
        FeedClose.Gap => "Events were lost. Connect again and subscribe with since.",
        FeedClose.Revoked => "The session has ended. Sign in again.",
        FeedClose.Unverified => "It cannot be checked at the moment whether your session goes on. Connect again and subscribe with since.",
        _ => throw new UnreachableException(),
    };
}

/// <summary>The protocol's side of one connection: how an event gets out, and how the connection ends.</summary>
internal interface IFeedSink
{
    /// <summary>Completes when the transport has taken the event; at once unless it is full. Never throws.</summary>
    ValueTask SendAsync(FeedEvent feedEvent);

    /// <summary>Tells the client why and ends the connection. Completes when it is gone; waits no longer than the time given.</summary>
    Task CloseAsync(FeedClose why, TimeSpan patience);
}
