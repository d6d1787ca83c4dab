using System.ComponentModel.DataAnnotations;

namespace CityPulse.Realtime.Feed;

/// <summary>Settings of the live stream, section <c>Realtime</c>.</summary>
public sealed record RealtimeOptions
{
    public const string Section = "Realtime";

    /// <summary>Events that may wait for one slow client before it is disconnected.</summary>
    [Range(1, 1_000_000)]
    public int QueueEvents { get; init; } = 2_000;

    /// <summary>Bytes (estimated) that may wait for one slow client before it is disconnected. One event always may.</summary>
    [Range(1, 1L << 32)]
    public long QueueBytes { get; init; } = 8 << 20;

    /// <summary>Topics that one connection may follow.</summary>
    [Range(1, 1_000_000)]
    public int TopicsPerConnection { get; init; } = 1_000;

    /// <summary>Bytes of recent records kept in memory for replays, over all organisations.</summary>
    [Range(0, 1L << 34)]
    public long HistoryBytes { get; init; } = 64 << 20;

    /// <summary>Age of the oldest record kept in memory.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan HistoryAge { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Longest time that one replay may take; a client slower than that is disconnected as a slow client.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ReplayTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a client that is told to go may take to read why.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan CloseTime { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long connections may drain at shutdown, within the host's own limit.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>How often the stream is asked for what Redis may have lost while nothing tells of a loss.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The same while Redis is away or has just come back.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:01:00")]
    public TimeSpan LookEveryWithoutRedis { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How often a Socket.IO client is asked whether it is there.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan SocketIoPingInterval { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>How long a Socket.IO client may take to answer that.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan SocketIoPingTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a Socket.IO client may take to sign in.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan SocketIoConnectTime { get; init; } = TimeSpan.FromSeconds(20);
}
