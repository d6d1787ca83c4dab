using System.Net;
using System.Text;
using CityPulse.Api.Alerts.Channels.Domain;
using CityPulse.Api.Alerts.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Channels.Domain;

public sealed class ChannelDomainTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("93.184.216.34", "Public")]
    [InlineData("172.15.255.255", "Public")]
    [InlineData("172.32.0.0", "Public")]
    [InlineData("2606:2800:220:1::1", "Public")]
    [InlineData("::ffff:93.184.216.34", "Public")]
    [InlineData("127.0.0.1", "Private")]
    [InlineData("127.255.255.254", "Private")]
    [InlineData("10.1.2.3", "Private")]
    [InlineData("172.16.0.1", "Private")]
    [InlineData("172.31.255.255", "Private")]
    [InlineData("192.168.0.1", "Private")]
    [InlineData("100.64.0.1", "Private")]
    [InlineData("169.254.1.1", "Private")]
    [InlineData("::1", "Private")]
    [InlineData("fe80::1", "Private")]
    [InlineData("fe80::1%2", "Private")]
    [InlineData("fd12:3456::1", "Private")]
    [InlineData("::ffff:127.0.0.1", "Private")]
    [InlineData("::127.0.0.1", "Private")]
    [InlineData("64:ff9b::10.0.0.1", "Private")]
    [InlineData("2002:7f00:1::", "Private")]
    [InlineData("0.0.0.0", "Forbidden")]
    [InlineData("::", "Forbidden")]
    [InlineData("169.254.169.254", "Forbidden")]
    [InlineData("::ffff:169.254.169.254", "Forbidden")]
    [InlineData("fd00:ec2::254", "Forbidden")]
    [InlineData("224.0.0.1", "Forbidden")]
    [InlineData("255.255.255.255", "Forbidden")]
    [InlineData("ff02::1", "Forbidden")]
    public void Addresses_are_known_for_what_they_are(string address, string kind)
    {
        AddressRules.KindOf(IPAddress.Parse(address)).ToString().ShouldBe(kind);
        (AddressRules.Refusal(IPAddress.Parse(address), allowPrivate: false) is null).ShouldBe(kind == "Public");
        (AddressRules.Refusal(IPAddress.Parse(address), allowPrivate: true) is null).ShouldBe(kind != "Forbidden");
    }

    [Fact]
    public void Retries_begin_within_20_seconds_grow_to_an_hour_and_end_after_a_day()
    {
        foreach (var chance in (double[])[0, 0.3, 0.999])
        {
            var (now, end, attempts) = (Noon, Noon.AddHours(24), 0);
            var delays = new List<double>();
            while (RetryPlan.Next(++attempts, TimeSpan.FromSeconds(10), now, end, chance) is { } next)
            {
                delays.Add((next - now).TotalSeconds);
                now = next;
            }

            delays[0].ShouldBeInRange(8, 12);
            (delays[1] / delays[0]).ShouldBe(2, 1e-6);
            delays.SkipLast(1).ShouldBeInOrder();
            delays.Max().ShouldBeInRange(2880, 4320);
            now.ShouldBe(end, "the last attempt is at the end");
            delays.Count.ShouldBeInRange(25, 45);
        }
    }

    [Fact]
    public void A_signature_is_the_one_that_others_compute()
    {
        // printf '1764331200.{"id":1}' | openssl dgst -sha256 -hmac 'key'
        WebhookSignature.Of(Encoding.UTF8.GetBytes("key"), DateTimeOffset.FromUnixTimeSeconds(1764331200), "{\"id\":1}"u8)
            .ShouldBe("t=1764331200,v1=964469494707b7b977d7a37bf0c0a5401c0cb0291b57557defae852c125879c3");
    }

    [Theory]
    [InlineData("Webhook", "info", "alert.raised", "info", false, true)]
    [InlineData("Webhook", "warning", "alert.raised", "info", false, false)]
    [InlineData("Webhook", "warning", "alert.raised", "critical", false, true)]
    [InlineData("Webhook", "info", "alert.commented", "info", true, true)]
    [InlineData("Email", "info", "alert.raised", "info", false, true)]
    [InlineData("Email", "info", "alert.raised", "info", true, false)]
    [InlineData("Email", "info", "alert.cleared", "info", false, true)]
    [InlineData("Email", "info", "alert.commented", "info", false, false)]
    public void A_channel_is_told_by_severity_and_a_person_only_what_concerns_people(
        string type, string least, string happened, string severity, bool shelved, bool told)
    {
        var channel = new ChannelScope(Enum.Parse<ChannelType>(type), Enum.Parse<AlertSeverity>(least, ignoreCase: true), null);
        var news = new AlertNews(happened, Enum.Parse<AlertSeverity>(severity, ignoreCase: true), Guid.NewGuid(), shelved, null);
        Routing.Wants(channel, news, Noon).ShouldBe(told);
    }

    [Fact]
    public void A_channel_of_buildings_hears_of_these_and_nobody_is_mailed_old_history()
    {
        var (here, there) = (Guid.NewGuid(), Guid.NewGuid());
        var channel = new ChannelScope(ChannelType.Email, AlertSeverity.Info, [here]);
        var news = new AlertNews("alert.raised", AlertSeverity.Info, here, false, Noon.AddHours(-1));
        Routing.Wants(channel, news, Noon).ShouldBeTrue();
        Routing.Wants(channel, news with { BuildingId = there }, Noon).ShouldBeFalse();
        Routing.Wants(channel, news with { EndedAt = Noon.AddDays(-2) }, Noon).ShouldBeFalse();
        Routing.Wants(channel with { Type = ChannelType.Webhook }, news with { EndedAt = Noon.AddDays(-2) }, Noon).ShouldBeTrue();
    }

    [Theory]
    [InlineData(200, "Delivered")]
    [InlineData(204, "Delivered")]
    [InlineData(302, "Pending")]
    [InlineData(404, "Pending")]
    [InlineData(410, "Dead")]
    [InlineData(429, "Pending")]
    [InlineData(500, "Pending")]
    public void Only_a_2xx_is_a_success_and_only_a_410_is_final(int status, string leads) =>
        DeliveryOutcome.OfStatusCode(status).Leads.ToString().ShouldBe(leads);
}
