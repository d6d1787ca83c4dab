using System.Security.Cryptography;
using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Data;
using CityPulse.Api.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>One attempt at one delivery, by whoever holds its lease. No transaction is open while the receiver is waited for.</summary>
internal sealed class DeliveryRun(
    CityDb db, ChannelSecrets secrets, WebhookSender webhooks, EmailSender emails, AlertMetrics metrics, IOptions<ChannelOptions> options, TimeProvider clock)
{
    private const int LongestError = 500;

    public async Task RunAsync(Guid id, Guid lease, CancellationToken cancellationToken)
    {
        if (await db.Deliveries().AsNoTracking().SingleOrDefaultAsync(d => d.Id == id && d.Lease == lease, cancellationToken) is not { } delivery)
        {
            return;
        }

        var channel = await db.Set<AlertChannel>().AsNoTracking().SingleOrDefaultAsync(c => c.Id == delivery.ChannelId, cancellationToken);
        var (at, start) = (clock.GetUtcNow(), clock.GetTimestamp());
        var outcome = channel is null
            ? DeliveryOutcome.Refused("The channel was deleted.")
            : await SendAsync(channel, delivery, at, cancellationToken);
        var attempt = new DeliveryAttempt
        {
            OrganizationId = delivery.OrganizationId,
            DeliveryId = id,
            At = at,
            DurationMs = (int)clock.GetElapsedTime(start).TotalMilliseconds,
            StatusCode = outcome.StatusCode,
            Error = outcome.Error is { Length: > LongestError } error ? error[..LongestError] : outcome.Error,
        };
        await db.InTransactionAsync(token => NoteAsync(id, lease, attempt, outcome, token), cancellationToken);
        metrics.Delivered(channel?.Type, outcome.Leads);
    }

    private async Task<DeliveryOutcome> SendAsync(AlertChannel channel, Delivery delivery, DateTimeOffset now, CancellationToken cancellationToken)
    {
        switch (channel)
        {
            case { Type: ChannelType.Webhook, Url: { } url }:
                try
                {
                    var secret = channel.Secret is { } kept ? secrets.Open(channel.Id, kept) : null;
                    return await webhooks.SendAsync(new Uri(url), secret, delivery.EventId, delivery.Body, now, cancellationToken);
                }
                catch (CryptographicException)
                {
                    return DeliveryOutcome.Failed("The channel's secret cannot be read: Auth:KeyEncryptionKey has changed. Give the secret again.");
                }

            case { Type: ChannelType.Email, Recipient: { } recipient }:
                return await emails.SendAsync(recipient, delivery.EventId, delivery.Body, cancellationToken);
            default:
                throw new InvalidOperationException($"The channel {channel.Id} has no address.");
        }
    }

    private async Task<bool> NoteAsync(Guid id, Guid lease, DeliveryAttempt attempt, DeliveryOutcome outcome, CancellationToken cancellationToken)
    {
        db.Add(attempt);
        var delivery = await db.Set<Delivery>()
            .FromSql($"SELECT * FROM alert_deliveries WHERE id = {id} AND organization_id = {db.OrganizationId} FOR UPDATE")
            .SingleOrDefaultAsync(cancellationToken);
        if (delivery is null)
        {
            db.Entry(attempt).State = EntityState.Detached;
            return false;
        }

        delivery.Attempts++;
        // Who lost the lease has still delivered, if it did; what else comes of it is the other one's business.
        var isMine = delivery.Lease == lease;
        if (delivery.Status == Words.Of(DeliveryStatus.Pending) && (isMine || outcome.Leads == DeliveryStatus.Delivered))
        {
            var now = clock.GetUtcNow();
            var next = outcome.Leads == DeliveryStatus.Pending
                ? RetryPlan.Next(delivery.Attempts, TimeSpan.FromSeconds(options.Value.FirstRetrySeconds), now, delivery.GiveUpAt, Random.Shared.NextDouble())
                : null;
            delivery.Status = Words.Of(outcome.Leads == DeliveryStatus.Pending && next is null ? DeliveryStatus.Dead : outcome.Leads);
            delivery.NextAttemptAt = next;
            delivery.Lease = null;
            delivery.FinishedAt = next is null ? now : null;
        }

        await db.SaveChangesAsync(cancellationToken);
        return true;
    }
}
