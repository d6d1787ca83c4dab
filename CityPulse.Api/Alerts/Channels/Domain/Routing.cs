using CityPulse.Api.Alerts.Domain;

namespace CityPulse.Api.Alerts.Channels.Domain;

internal enum ChannelType
{
    Webhook,
    Email,
}

/// <summary>What a channel wants to hear.</summary>
/// <param name="BuildingIds">Null: of all buildings.</param>
/// <param name="EscalateAfter">How long an alert must have been there unacknowledged; null: it is told at once.</param>
internal readonly record struct ChannelScope(
    ChannelType Type, AlertSeverity MinSeverity, IReadOnlyCollection<Guid>? BuildingIds, bool GroupsFloods = false, TimeSpan? EscalateAfter = null);

/// <summary>Something that happened to an alert.</summary>
/// <param name="EndedAt">When its episode ended, if it has.</param>
/// <param name="State">What it is now.</param>
internal readonly record struct AlertNews(
    string Type, AlertSeverity Severity, Guid BuildingId, bool IsShelved, DateTimeOffset? EndedAt, AlertState State = AlertState.Unacknowledged)
{
    public const string Raised = "alert.raised";

    /// <summary>Nobody of the channel's kind reacted in time.</summary>
    public const string Escalated = "alert.escalated";

    /// <summary>Many at once.</summary>
    public const string Flood = "alert.flood";

    /// <summary>Whether it waits for somebody to acknowledge it.</summary>
    public bool IsUnseen => State == AlertState.Unacknowledged && !IsShelved;
}

/// <summary>Who hears of what.</summary>
internal static class Routing
{
    private static readonly TimeSpan OldNews = TimeSpan.FromDays(1);

    /// <summary>Whether it is something that the channel hears of at all.</summary>
    public static bool Wants(ChannelScope channel, AlertNews news, DateTimeOffset now) =>
        news.Severity >= channel.MinSeverity
        && (channel.BuildingIds is null || channel.BuildingIds.Contains(news.BuildingId))
        && (channel.Type == ChannelType.Webhook || ConcernsPeople(news, now));

    /// <summary>
    /// A program is told everything. A person is told what to look at and when that is over; nothing that they have shelved, and nothing of
    /// episodes that were over a day before anybody knew of them, as when old readings are loaded.
    /// </summary>
    private static bool ConcernsPeople(AlertNews news, DateTimeOffset now) =>
        news.Type is AlertNews.Raised or AlertNews.Escalated or "alert.acknowledged" or "alert.cleared"
        && !news.IsShelved
        && !(news.EndedAt < now - OldNews);

    /// <summary>
    /// When the news are told: at once, or, to those whom alerts are escalated to, when their time has come for a new alert and at once for
    /// one that they have been told of before. Null: not at all.
    /// </summary>
    /// <param name="wasEscalated">Whether the channel has been told of the alert.</param>
    public static DateTimeOffset? TellAt(ChannelScope channel, AlertNews news, bool wasEscalated, DateTimeOffset now) => channel.EscalateAfter switch
    {
        null => now,
        { } after when news.Type == AlertNews.Raised => news.IsUnseen ? now + after : null,
        _ => wasEscalated ? now : null,
    };
}
