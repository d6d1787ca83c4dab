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

        var channels = await db.Set<AlertChannel>().AsNoTracking()
            .Select(c => new { c.Id, Scope = new { c.Type, c.MinSeverity, c.BuildingIds } }).ToListAsync(cancellationToken);
        if (channels.Count == 0)
        {
            return;
        }

        var now = clock.GetUtcNow();
        foreach (var (alert, type) in events)
        {
            var news = new AlertNews(type, alert.Severity, alert.BuildingId, alert.ShelvedUntil is not null, alert.ClearedAt);
            var wanting = channels.FindAll(c => Routing.Wants(new ChannelScope(c.Scope.Type, c.Scope.MinSeverity, c.Scope.BuildingIds), news, now));
            if (wanting.Count > 0)
            {
                var id = Guid.CreateVersion7(now);
                var body = Write(id, type, now, AlertQueries.Shape(alert));
                db.AddRange(wanting.Select(c => New(c.Id, alert.Id, id, type, body, now, now.AddHours(options.Value.RetryHours))));
            }
        }
    }

    /// <summary>A test of a channel, taken by whoever makes it: it is tried once.</summary>
    public Delivery NewTest(AlertChannel channel)
    {
        var now = clock.GetUtcNow();
        var id = Guid.CreateVersion7(now);
        var body = Write(id, TestType, now, new ChannelTest(channel.Id, channel.Name, $"This is a test of the channel {channel.Name}."));
        var delivery = New(channel.Id, null, id, TestType, body, now, now);
        delivery.Lease = Guid.CreateVersion7(now);
        delivery.NextAttemptAt = now + options.Value.Lease;
        return delivery;
    }

    private Delivery New(Guid channel, Guid? alert, Guid eventId, string type, byte[] body, DateTimeOffset now, DateTimeOffset giveUpAt) => new()
    {
        Id = Guid.CreateVersion7(now),
        OrganizationId = db.OrganizationId,
        ChannelId = channel,
        AlertId = alert,
        EventId = eventId,
        EventType = type,
        Body = body,
        CreatedAt = now,
        GiveUpAt = giveUpAt,
        NextAttemptAt = now,
    };

    private byte[] Write<T>(Guid id, string type, DateTimeOffset at, T data) => JsonSerializer.SerializeToUtf8Bytes(
        new ChannelEvent<T>(id, Topics.Alerts, type, at, db.OrganizationId, data), json.Value.SerializerOptions);
}
