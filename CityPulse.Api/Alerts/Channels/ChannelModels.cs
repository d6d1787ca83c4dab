using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Alerts.Domain;
using CityPulse.Api.Http;
using Microsoft.AspNetCore.Mvc;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>What a client writes of a channel.</summary>
public sealed record ChannelRequest
{
    /// <summary>Required.</summary>
    public string? Name { get; init; }
    /// <summary>Required: <c>webhook</c> or <c>email</c>.</summary>
    public string? Type { get; init; }
    /// <summary>Required for a webhook: an address of <c>https</c> or <c>http</c>, without user name, password or fragment.</summary>
    public string? Url { get; init; }
    /// <summary>Required for e-mail: the recipient's address.</summary>
    public string? To { get; init; }
    /// <summary>What a webhook is signed with. It is never shown; where it is left out of a change, it stays, and a patch with null takes it away.</summary>
    public string? Secret { get; init; }
    /// <summary>Required: alerts of this severity and higher. <c>info</c>, <c>warning</c> or <c>critical</c>.</summary>
    public string? MinSeverity { get; init; }
    /// <summary>Alerts of these buildings; absent: of all, later ones included.</summary>
    public IReadOnlyList<Guid>? BuildingIds { get; init; }
    /// <summary>Whether more than 10 alerts in 10 minutes come as one message now and then. Default: true for e-mail, false for a webhook.</summary>
    public bool? GroupFloods { get; init; }
    /// <summary>Told only of alerts that nobody has acknowledged for so long, 1 to 10080 minutes; absent: of all, at once.</summary>
    public int? EscalateAfterMinutes { get; init; }

    /// <summary>A secret must not get into a log by way of its record.</summary>
    public override string ToString() => nameof(ChannelRequest);
}

/// <param name="HasSecret">Whether its messages are signed. The secret itself is shown to nobody.</param>
internal sealed record ChannelResponse(
    Guid Id, string Name, ChannelType Type, string? Url, string? To, bool HasSecret, AlertSeverity MinSeverity, IReadOnlyList<Guid>? BuildingIds,
    bool GroupFloods, int? EscalateAfterMinutes, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Version)
{
    public static ChannelResponse Of(AlertChannel c) =>
        new(c.Id, c.Name, c.Type, c.Url, c.Recipient, c.Secret is not null, c.MinSeverity, c.BuildingIds, c.GroupFloods, c.EscalateAfterMinutes,
            c.CreatedAt, c.UpdatedAt, c.Version);

    public string ETag() => ETags.Of(Id, Version);
}

/// <param name="Status"><c>pending</c>, <c>delivered</c>, <c>dead</c>, <c>gathered</c> or <c>grouped</c>.</param>
public sealed record DeliveryFilter(
    [FromQuery(Name = "status")] string? Status,
    [FromQuery(Name = "limit")] int? Limit,
    [FromQuery(Name = "cursor")] string? Cursor);

/// <param name="AlertId">Null for a test and for a flood.</param>
/// <param name="EventId">The id that the receiver gets, the same at every attempt.</param>
/// <param name="Status">
/// <c>pending</c>: not there yet, it is tried again; <c>dead</c>: given up; <c>gathered</c>: waits to be told with others; <c>grouped</c>: told with others. Later versions may know more.
/// </param>
/// <param name="NextAttemptAt">Null when it is finished.</param>
/// <param name="GroupId">The delivery that told it with others.</param>
internal sealed record DeliveryResponse(
    Guid Id, Guid ChannelId, Guid? AlertId, Guid EventId, string Type, string Status, IReadOnlyList<AttemptModel> Attempts,
    DateTimeOffset CreatedAt, DateTimeOffset? NextAttemptAt, DateTimeOffset? FinishedAt, Guid? GroupId);

/// <param name="Status">What the receiver answered; null where it did not.</param>
/// <param name="Error">Null where it arrived.</param>
internal sealed record AttemptModel(DateTimeOffset At, int DurationMs, int? Status, string? Error);
