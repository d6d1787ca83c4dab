using System.Text;
using System.Text.Json;
using CityPulse.Api.Alerts.Channels;
using CityPulse.Api.Alerts.Channels.Domain;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Channels;

/// <summary>What goes over the wire, and what does not.</summary>
public sealed class SenderTests
{
    private static readonly Guid EventId = Guid.CreateVersion7();

    private static readonly byte[] Body = JsonSerializer.SerializeToUtf8Bytes(new
    {
        id = EventId, type = "alert.raised", data = new { message = "Too\r\nBcc: all@example.org", severity = "critical", value = 41.5 },
    });

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("2130706433")]
    [InlineData("0x7f.1")]
    public async Task A_name_or_address_that_leads_to_this_machine_is_refused_before_anything_is_sent(string host)
    {
        await using var receiver = await Receiver.StartAsync();
        using var sender = new WebhookSender(Options.Create(new ChannelOptions()));
        var outcome = await SendAsync(sender, $"http://{host}:{receiver.Port}/");
        outcome.Leads.ShouldBe(DeliveryStatus.Dead);
        outcome.Error!.ShouldContain("loopback");
        receiver.Seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var secret = await Receiver.StartAsync();
        await using var receiver = await Receiver.StartAsync((context, _) =>
        {
            context.Response.Redirect(secret.Url, permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        });
        using var sender = new WebhookSender(Options.Create(new ChannelOptions { AllowPrivateTargets = true }));
        var outcome = await SendAsync(sender, receiver.Url);
        outcome.ShouldBe(DeliveryOutcome.OfStatusCode(307));
        outcome.Leads.ShouldBe(DeliveryStatus.Pending);
        secret.Seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_or_is_not_there_is_tried_again()
    {
        using var never = new SemaphoreSlim(0);
        var receiver = await Receiver.StartAsync((context, _) => never.WaitAsync(context.RequestAborted));
        using var sender = new WebhookSender(Options.Create(new ChannelOptions { AllowPrivateTargets = true, TimeoutSeconds = 0.2 }));
        var outcome = await SendAsync(sender, receiver.Url);
        outcome.ShouldBe(DeliveryOutcome.Failed("The receiver did not answer in time."));
        var url = receiver.Url;
        await receiver.DisposeAsync();
        using var patient = new WebhookSender(Options.Create(new ChannelOptions { AllowPrivateTargets = true }));
        (await SendAsync(patient, url)).ShouldBe(DeliveryOutcome.Failed("The receiver could not be reached."));
    }

    [Fact]
    public async Task An_e_mail_says_what_happened_in_one_message_to_one_recipient()
    {
        await using var drop = new MailDrop();
        (await MailAsync(drop.Port)).ShouldBe(DeliveryOutcome.Arrived);
        drop.Lines.ShouldContain("RCPT TO:<ops@example.org>");
        drop.Lines.ShouldContain(line => line.StartsWith("MAIL FROM:<city@example.org>", StringComparison.Ordinal));
        drop.Lines.ShouldContain($"X-CityPulse-Event-Id: {EventId}");
        drop.Lines.ShouldContain($"Message-Id: <{EventId:N}@citypulse>");
        drop.Lines.ShouldContain(line => line.StartsWith("Subject: [CityPulse] critical raised: Too", StringComparison.Ordinal));
        drop.Lines.TakeWhile(line => line.Length > 0).ShouldNotContain(line => line.StartsWith("Bcc", StringComparison.OrdinalIgnoreCase));
        drop.Lines.ShouldContain("value: 41.5");
    }

    [Fact]
    public async Task A_recipient_whom_the_server_does_not_know_is_given_up_and_a_busy_one_is_not()
    {
        await using (var drop = new MailDrop("550 No such user"))
        {
            (await MailAsync(drop.Port)).Leads.ShouldBe(DeliveryStatus.Dead);
        }

        int port;
        await using (var drop = new MailDrop("450 Try later"))
        {
            (await MailAsync(port = drop.Port)).Leads.ShouldBe(DeliveryStatus.Pending);
        }

        (await MailAsync(port)).Leads.ShouldBe(DeliveryStatus.Pending);
    }

    [Theory]
    [InlineData("", 587, "StartTls", null, null, null)]
    [InlineData("mail", 587, "StartTls", null, null, "Smtp:From")]
    [InlineData("mail", 0, "StartTls", null, "city@example.org", "Smtp:Port")]
    [InlineData("mail", 25, "None", "secret", "city@example.org", "Smtp:Security")]
    [InlineData("mail", 587, "Tls", "secret", "city@example.org", null)]
    public void Settings_of_the_smtp_server_are_checked_at_the_start(string host, int port, string security, string? password, string? from, string? wrong)
    {
        var options = new SmtpOptions { Host = host, Port = port, Security = Enum.Parse<SmtpSecurity>(security), From = from, User = password is null ? null : "city", Password = password };
        var result = new SmtpOptionsCheck().Validate(null, options);
        result.Succeeded.ShouldBe(wrong is null);
        (result.FailureMessage ?? "").ShouldContain(wrong ?? "");
    }

    private static Task<DeliveryOutcome> SendAsync(WebhookSender sender, string url) =>
        sender.SendAsync(new Uri(url), Encoding.UTF8.GetBytes("s"), EventId, Body, DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken);

    private static Task<DeliveryOutcome> MailAsync(int port) => new EmailSender(
            Options.Create(new SmtpOptions { Host = "127.0.0.1", Port = port, Security = SmtpSecurity.None, From = "city@example.org" }), Options.Create(new ChannelOptions()))
        .SendAsync("ops@example.org", EventId, Body, TestContext.Current.CancellationToken);
}
