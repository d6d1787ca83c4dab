using System.Text.Json;
using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Data;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>Wakes the worker of this process; the others look by themselves.</summary>
internal sealed class DeliverySignal : Bell;

/// <summary>The event as receivers get it: the one of the live stream, with an id of its own.</summary>
internal sealed record ChannelEvent<T>(Guid Id, string Topic, string Type, DateTimeOffset At, Guid OrganizationId, T Data);

/// <summary>What a flood is told as.</summary>
/// <param name="Alerts">How many alerts there was news of.</param>
/// <param name="Open">How many of them still want somebody.</param>
/// <param name="Items">As they are now, the most severe first; of very many, the first hundred.</param>
internal sealed record AlertFlood(
    Guid ChannelId, string Message, int Alerts, int Open, int Critical, int Warning, int Info, DateTimeOffset From, DateTimeOffset To, IReadOnlyList<AlertResponse> Items);

/// <summary>What a test sends instead of an alert.</summary>
internal sealed record ChannelTest(Guid ChannelId, string Name, string Message);

/// <summary>Puts what happened to alerts on its way to the channels that want it: in the transaction in which it happened, so that it is told if and only if it did.</summary>
internal sealed class DeliveryQueue(CityDb db, IOptions<JsonOptions> json, IOptions<ChannelOptions> options, TimeProvider clock)
{
    public const string TestType = "channel.test";

    /// <summary>Adds to the next <c>SaveChanges</c>.</summary>
    public async Task AddAsync(IReadOnlyList<(Alert Alert, string Type)> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
        {
            return;
        }

        var channels = (await db.Set<AlertChannel>().AsNoTracking()
                .Select(c => new { c.Id, c.Type, c.MinSeverity, c.BuildingIds, c.GroupFloods, c.EscalateAfterMinutes }).ToListAsync(cancellationToken))
            .ConvertAll(c => (c.Id, Scope: new ChannelScope(
                c.Type, c.MinSeverity, c.BuildingIds, c.GroupFloods, c.EscalateAfterMinutes is { } minutes ? TimeSpan.FromMinutes(minutes) : null)));
        if (channels.Count == 0)
        {
            return;
        }

        var now = clock.GetUtcNow();
        var news = events.Select(e => (e.Alert, News: NewsOf(e.Alert, e.Type))).ToList();
        var escalated = channels.Exists(c => c.Scope.EscalateAfter is not null) ? await EscalatedAsync(news, cancellationToken) : [];
        var floods = channels.Exists(c => c.Scope.GroupsFloods) ? await ToldOfAsync([.. channels.Where(c => c.Scope.GroupsFloods).Select(c => c.Id)], now, cancellationToken) : [];
        foreach (var (alert, item) in news)
        {
            var id = Guid.CreateVersion7(now);
            byte[]? body = null;
            foreach (var (channel, scope) in channels.Where(c => Routing.Wants(c.Scope, item, now)))
            {
                if (Routing.TellAt(scope, item, escalated.Contains((channel, alert.Id)), now) is not { } at)
                {
                    continue;
                }

                // What is escalated to somebody is an event of its own, of the time at which it is.
                var delivery = at > now
                    ? New(channel, alert.Id, Guid.CreateVersion7(now), AlertNews.Escalated, now, at, other => Write(other, AlertNews.Escalated, at, AlertQueries.Shape(alert)))
                    : New(channel, alert.Id, id, item.Type, now, now, _ => body ??= Write(id, item.Type, now, AlertQueries.Shape(alert)));
                if (scope.GroupsFloods)
                {
                    delivery.Status = Words.Of(FloodPlan.IsFlood(floods.GetValueOrDefault(channel)) ? DeliveryStatus.Gathered : DeliveryStatus.Pending);
                    floods[channel] = floods.GetValueOrDefault(channel) + (delivery.EventType is AlertNews.Raised or AlertNews.Escalated ? 1 : 0);
                }

                db.Add(delivery);
            }
        }
    }

    /// <summary>One message of what was gathered for a channel.</summary>
    public Delivery NewFlood(Guid channel, AlertFlood flood)
    {
        var now = clock.GetUtcNow();
        return New(channel, null, Guid.CreateVersion7(now), AlertNews.Flood, now, now, id => Write(id, AlertNews.Flood, now, flood));
    }

    /// <summary>A test of a channel, taken by whoever makes it: it is tried once.</summary>
    public Delivery NewTest(AlertChannel channel)
    {
        var now = clock.GetUtcNow();
        var test = new ChannelTest(channel.Id, channel.Name, $"This is a test of the channel {channel.Name}.");
        var delivery = New(channel.Id, null, Guid.CreateVersion7(now), TestType, now, now, id => Write(id, TestType, now, test), retryHours: 0);
        delivery.Lease = Guid.CreateVersion7(now);
        delivery.NextAttemptAt = now + options.Value.Lease;
        return delivery;
    }

    private static AlertNews NewsOf(Alert alert, string type) =>
        new(type, alert.Severity, alert.BuildingId, alert.ShelvedUntil is not null, alert.ClearedAt, alert.State);

    /// <summary>Takes back the escalation of what needs none any more, or a new one.</summary>
    /// <returns>To whom which of the alerts have been escalated.</returns>
    private async Task<HashSet<(Guid Channel, Guid Alert)>> EscalatedAsync(List<(Alert Alert, AlertNews News)> news, CancellationToken cancellationToken)
    {
        var over = news.Where(n => n.News.Type == AlertNews.Raised || !n.News.IsUnseen).Select(n => n.Alert.Id).Distinct().ToArray();
        var (pending, isGathered, isGrouped) = (Words.Of(DeliveryStatus.Pending), Words.Of(DeliveryStatus.Gathered), Words.Of(DeliveryStatus.Grouped));
        await db.Deliveries()
            .Where(d => over.Contains(d.AlertId!.Value) && d.EventType == AlertNews.Escalated && d.Attempts == 0 && d.Lease == null
                && (d.Status == pending || d.Status == isGathered))
            .ExecuteDeleteAsync(cancellationToken);
        var alerts = news.Select(n => n.Alert.Id).Distinct().ToArray();
        var told = await db.Deliveries()
            .Where(d => alerts.Contains(d.AlertId!.Value) && d.EventType == AlertNews.Escalated
                && (d.Attempts > 0 || d.Lease != null || d.Status == isGrouped))
            .Select(d => new { d.ChannelId, d.AlertId }).Distinct().ToListAsync(cancellationToken);
        return [.. told.Select(d => (d.ChannelId, d.AlertId!.Value))];
    }

    /// <summary>Of how many new alerts each channel has heard lately.</summary>
    private async Task<Dictionary<Guid, int>> ToldOfAsync(Guid[] channels, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var since = now - FloodPlan.Window;
        return await db.Deliveries()
            .Where(d => channels.Contains(d.ChannelId) && (d.EventType == AlertNews.Raised || d.EventType == AlertNews.Escalated) && d.CreatedAt > since)
            .GroupBy(d => d.ChannelId)
            .ToDictionaryAsync(g => g.Key, g => g.Count(), cancellationToken);
    }

    private Delivery New(
        Guid channel, Guid? alert, Guid eventId, string type, DateTimeOffset now, DateTimeOffset at, Func<Guid, byte[]> body, double? retryHours = null) => new()
    {
        Id = Guid.CreateVersion7(now),
        OrganizationId = db.OrganizationId,
        ChannelId = channel,
        AlertId = alert,
        EventId = eventId,
        EventType = type,
        Body = body(eventId),
        CreatedAt = now,
        GiveUpAt = at.AddHours(retryHours ?? options.Value.RetryHours),
        NextAttemptAt = at,
    };

    private byte[] Write<T>(Guid id, string type, DateTimeOffset at, T data) => JsonSerializer.SerializeToUtf8Bytes(
        new ChannelEvent<T>(id, Topics.Alerts, type, at, db.OrganizationId, data), json.Value.SerializerOptions);
}
