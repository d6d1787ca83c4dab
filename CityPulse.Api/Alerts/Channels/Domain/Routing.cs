using CityPulse.Api.Alerts.Domain;

namespace CityPulse.Api.Alerts.Channels.Domain;

internal enum ChannelType
{
    Webhook,
    Email,
}

/// <summary>What a channel wants to hear.</summary>
/// <param name="BuildingIds">Null: of all buildings.</param>
internal readonly record struct ChannelScope(ChannelType Type, AlertSeverity MinSeverity, IReadOnlyCollection<Guid>? BuildingIds);

/// <summary>Something that happened to an alert.</summary>
/// <param name="EndedAt">When its episode ended, if it has.</param>
internal readonly record struct AlertNews(string Type, AlertSeverity Severity, Guid BuildingId, bool IsShelved, DateTimeOffset? EndedAt);

/// <summary>Who hears of what.</summary>
internal static class Routing
{
    private static readonly TimeSpan OldNews = TimeSpan.FromDays(1);

    public static bool Wants(ChannelScope channel, AlertNews news, DateTimeOffset now) =>
        news.Severity >= channel.MinSeverity
        && (channel.BuildingIds is null || channel.BuildingIds.Contains(news.BuildingId))
        && (channel.Type == ChannelType.Webhook || ConcernsPeople(news, now));

    /// <summary>
    /// A program is told everything. A person is told what to look at and when that is over; nothing that they have shelved, and nothing of
    /// episodes that were over a day before anybody knew of them, as when old readings are loaded.
    /// </summary>
    private static bool ConcernsPeople(AlertNews news, DateTimeOffset now) =>
        news.Type is "alert.raised" or "alert.acknowledged" or "alert.cleared"
        && !news.IsShelved
        && !(news.EndedAt < now - OldNews);
}
