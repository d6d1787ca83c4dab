using System.Net;
using System.Text;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts.Channels;

/// <summary>Channels as a resource, on an Api with the settings that everybody gets.</summary>
public sealed class ChannelApiTests(CityApi api) : IClassFixture<CityApi>
{
    private const string Channels = "/api/v1/citypulse/alerts/channels";
    private const string Secret = "correct-horse-battery";

    [Fact]
    public async Task A_channel_is_made_read_changed_and_deleted()
    {
        var member = await api.MemberAsync();
        var answer = await member.PostAsync(Channels, Webhook(), ("Idempotency-Key", "one"));
        var channel = await answer.ReadAsync(HttpStatusCode.Created);
        var path = answer.Headers.Location!.ToString();
        var etag = answer.Headers.ETag!.ToString();
        path.ShouldBe($"{Channels}/{channel.GetProperty("id").GetGuid()}");
        channel.GetProperty("type").GetString().ShouldBe("webhook");
        channel.GetProperty("minSeverity").GetString().ShouldBe("warning");
        channel.GetProperty("hasSecret").GetBoolean().ShouldBeTrue();
        channel.GetProperty("buildingIds").ValueKind.ShouldBe(JsonValueKind.Null);
        (await member.PostAsync(Channels, Webhook(), ("Idempotency-Key", "one"))).Headers.Contains("Idempotency-Replayed").ShouldBeTrue();
        (await member.ReadAllAsync(Channels, limit: 1)).ShouldHaveSingleItem();

        (await member.GetAsync(path, ("If-None-Match", etag))).StatusCode.ShouldBe(HttpStatusCode.NotModified);
        await (await member.PatchAsync(path, new { name = "Renamed" }, ifMatch: null)).ReadProblemAsync(HttpStatusCode.PreconditionRequired);
        var changed = await (await member.PatchAsync(path, new { name = "Renamed" }, etag)).ReadAsync(HttpStatusCode.OK);
        changed.GetProperty("version").GetInt32().ShouldBe(2);
        changed.GetProperty("hasSecret").GetBoolean().ShouldBeTrue("a patch leaves alone what it does not name");
        await (await member.PutAsync(path, Webhook(), etag)).ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        var mail = await (await member.PutAsync(path, new { name = "Mail", type = "email", to = "ops@example.org", minSeverity = "critical" })).ReadAsync(HttpStatusCode.OK);
        mail.GetProperty("to").GetString().ShouldBe("ops@example.org");
        mail.GetProperty("url").ValueKind.ShouldBe(JsonValueKind.Null);
        mail.GetProperty("hasSecret").GetBoolean().ShouldBeFalse();
        (await member.DeleteAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await (await member.GetAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_secret_is_in_no_answer_and_not_in_the_database_and_goes_only_when_asked()
    {
        var member = await api.MemberAsync();
        var answer = await member.PostAsync(Channels, Webhook());
        var path = answer.Headers.Location!.ToString();
        var texts = new List<string> { await answer.Content.ReadAsStringAsync() };
        texts.Add((await member.ReadAsync(path)).GetRawText());
        texts.Add((await member.ReadAsync(Channels)).GetRawText());
        texts.Add((await (await member.PutAsync(path, Valid.With(Webhook(), "secret", null))).ReadAsync(HttpStatusCode.OK)).GetRawText());
        texts.ShouldAllBe(text => !text.Contains(Secret) && !text.Contains("\"secret\""));
        texts[^1].ShouldContain("\"hasSecret\":true");
        (await api.ScalarAsync<string>("SELECT encode(secret, 'escape') FROM alert_channels WHERE organization_id = $1", member.OrganizationId)).ShouldNotContain(Secret);
        (await api.ScalarAsync<byte[]>("SELECT secret FROM alert_channels WHERE organization_id = $1", member.OrganizationId)).Length
            .ShouldBe(12 + 16 + Encoding.UTF8.GetByteCount(Secret));
        (await (await member.PatchAsync(path, """{"secret":null}""")).ReadAsync(HttpStatusCode.OK)).GetProperty("hasSecret").GetBoolean().ShouldBeFalse();
    }

    [Theory]
    [InlineData("name", "null")]
    [InlineData("name", "\" \"")]
    [InlineData("type", null)]
    [InlineData("type", "\"pigeon\"")]
    [InlineData("minSeverity", null)]
    [InlineData("minSeverity", "\"urgent\"")]
    [InlineData("url", null)]
    [InlineData("url", "\"ftp://example.org/\"")]
    [InlineData("url", "\"/hook\"")]
    [InlineData("url", "\"https://me:pw@example.org/\"")]
    [InlineData("url", "\"https://example.org/#part\"")]
    [InlineData("url", "\"http://127.0.0.1/\"")]
    [InlineData("url", "\"http://[::1]:8080/\"")]
    [InlineData("url", "\"http://[::ffff:10.0.0.1]/\"")]
    [InlineData("url", "\"http://169.254.169.254/latest/meta-data\"")]
    [InlineData("url", "\"http://192.168.1.1/\"")]
    [InlineData("url", "\"http://2130706433/\"")]
    [InlineData("url", "\"http://0x7f.1/\"")]
    [InlineData("url", "\"http://[fd00::1]/\"")]
    [InlineData("to", "\"ops@example.org\"")]
    [InlineData("secret", "\"\"")]
    [InlineData("buildingIds", "[]")]
    [InlineData("buildingIds[0]", "[\"00000000-0000-7000-8000-000000000001\"]")]
    [InlineData("colour", "\"red\"")]
    [InlineData("hasSecret", "true")]
    public async Task Bad_channels_are_refused_by_path(string path, string? json)
    {
        var member = await api.MemberAsync();
        var problem = await (await member.PostAsync(Channels, Valid.With(Webhook(), path.Split('[')[0], json))).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldContain(path);
        problem.GetRawText().ShouldNotContain(Secret);
    }

    [Fact]
    public async Task An_e_mail_channel_has_a_recipient_and_neither_address_nor_secret()
    {
        var member = await api.MemberAsync();
        var problem = await (await member.PostAsync(Channels, Valid.With(Webhook(), new { type = "email", to = "no address" }))).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldBe(["url", "secret", "to"], ignoreOrder: true);
    }

    [Fact]
    public async Task Only_admins_come_near_and_others_channels_are_not_there()
    {
        var admin = await api.MemberAsync();
        var path = (await admin.PostAsync(Channels, Webhook())).Headers.Location!.ToString();
        var manager = await api.MemberAsync(Role.Manager, admin.OrganizationId);
        await (await manager.GetAsync(Channels)).ReadProblemAsync(HttpStatusCode.Forbidden);
        await (await manager.PostAsync(path + "/test", "{}")).ReadProblemAsync(HttpStatusCode.Forbidden);
        var stranger = await api.MemberAsync();
        foreach (var answer in (HttpResponseMessage[])
            [
                await stranger.GetAsync(path), await stranger.PutAsync(path, Webhook()), await stranger.PatchAsync(path, new { name = "Mine" }),
                await stranger.DeleteAsync(path), await stranger.SendAsync(HttpMethod.Post, path + "/test"), await stranger.GetAsync(path + "/deliveries"),
            ])
        {
            (await answer.ReadProblemAsync(HttpStatusCode.NotFound)).GetProperty("detail").GetString().ShouldBe("There is no such channel.");
        }
    }

    [Fact]
    public async Task A_name_that_leads_to_this_machine_is_refused_when_something_is_sent()
    {
        await using var receiver = await Receiver.StartAsync();
        var member = await api.MemberAsync();
        var path = (await member.PostAsync(Channels, Valid.With(Webhook(), new { url = $"http://localhost:{receiver.Port}/" }))).Headers.Location!.ToString();
        var outcome = await (await member.SendAsync(HttpMethod.Post, path + "/test")).ReadAsync(HttpStatusCode.OK);
        outcome.GetProperty("status").GetString().ShouldBe("dead");
        outcome.GetProperty("attempts")[0].GetProperty("error").GetString()!.ShouldContain("loopback");
        receiver.Seen.ShouldBeEmpty();
    }

    private static Dictionary<string, object?> Webhook() => new()
    {
        ["name"] = "Hook", ["type"] = "webhook", ["url"] = "https://example.org/hook?x=1", ["secret"] = Secret, ["minSeverity"] = "warning",
    };
}
