using System.Net.Sockets;
using System.Text.Json;
using CityPulse.Api.Alerts.Channels.Domain;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>Hands messages to the operator's SMTP server.</summary>
internal sealed class EmailSender(IOptions<SmtpOptions> smtp, IOptions<ChannelOptions> channels)
{
    public async Task<DeliveryOutcome> SendAsync(string recipient, Guid eventId, byte[] body, CancellationToken cancellationToken)
    {
        var server = smtp.Value;
        if (string.IsNullOrWhiteSpace(server.Host))
        {
            return DeliveryOutcome.Failed("Smtp:Host is not configured, so no e-mail can be sent.");
        }

        using var message = Write(server.From!, recipient, eventId, body);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(channels.Value.Timeout);
        try
        {
            using var client = new SmtpClient();
            await client.ConnectAsync(server.Host, server.Port, Security(server.Security), deadline.Token);
            if (!string.IsNullOrEmpty(server.User))
            {
                await client.AuthenticateAsync(server.User, server.Password!, deadline.Token);
            }

            await client.SendAsync(message, deadline.Token);
            await client.DisconnectAsync(quit: true, deadline.Token);
            return DeliveryOutcome.Arrived;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return DeliveryOutcome.Failed("The SMTP server did not answer in time.");
        }
        catch (SmtpCommandException e) when (e.ErrorCode == SmtpErrorCode.RecipientNotAccepted && (int)e.StatusCode >= 500)
        {
            return DeliveryOutcome.Refused("The SMTP server does not accept the recipient.", (int)e.StatusCode);
        }
        catch (SmtpCommandException e)
        {
            return DeliveryOutcome.Failed("The SMTP server did not take it.", (int)e.StatusCode);
        }
        catch (AuthenticationException)
        {
            return DeliveryOutcome.Failed("The SMTP server does not accept Smtp:User and Smtp:Password.");
        }
        catch (Exception e) when (e is SslHandshakeException or ProtocolException or NotSupportedException or SocketException or IOException)
        {
            return DeliveryOutcome.Failed("The SMTP server could not be reached as configured (Smtp:Host, Smtp:Port, Smtp:Security).");
        }
    }

    private static MimeMessage Write(string from, string recipient, Guid eventId, byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        var text = EmailText.Of(document.RootElement);
        var message = new MimeMessage { Subject = text.Subject, MessageId = $"{eventId:N}@citypulse", Body = new TextPart("plain") { Text = text.Body } };
        message.From.Add(new MailboxAddress("CityPulse", from));
        message.To.Add(new MailboxAddress("", recipient));
        message.Headers.Add(WebhookSender.EventIdHeader, eventId.ToString());
        message.Headers.Add("Auto-Submitted", "auto-generated");
        return message;
    }

    private static SecureSocketOptions Security(SmtpSecurity security) => security switch
    {
        SmtpSecurity.None => SecureSocketOptions.None,
        SmtpSecurity.StartTls => SecureSocketOptions.StartTls,
        SmtpSecurity.Tls => SecureSocketOptions.SslOnConnect,
        _ => throw new ArgumentOutOfRangeException(nameof(security), security, "There is no such security."),
    };
}

/// <summary>An event as a person reads it.</summary>
internal sealed record EmailText(string Subject, string Body)
{
    private static readonly string[] Shown = ["message", "severity", "state", "value", "threshold", "raisedAt", "clearedAt", "acknowledgedAt", "buildingId", "sensorId", "id"];

    public static EmailText Of(JsonElement happening)
    {
        var data = happening.GetProperty("data");
        var what = happening.GetProperty("type").GetString()!.Split('.')[^1];
        var severity = data.TryGetProperty("severity", out var given) ? $"{given.GetString()} " : "";
        var lines = Shown.Where(name => data.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
            .Select(name => $"{name}: {data.GetProperty(name)}");
        if (data.TryGetProperty("items", out var items))
        {
            lines = lines.Concat(items.EnumerateArray().Select(item => OneLine(
                $"{item.GetProperty("severity").GetString()} {item.GetProperty("state").GetString()}: {item.GetProperty("message").GetString()} (raised {item.GetProperty("raisedAt").GetString()})")));
        }

        return new EmailText(
            OneLine($"[CityPulse] {severity}{what}: {data.GetProperty("message").GetString()}"),
            string.Join("\r\n", lines.Append($"event: {happening.GetProperty("id").GetString()}")) + "\r\n");
    }

    private static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
