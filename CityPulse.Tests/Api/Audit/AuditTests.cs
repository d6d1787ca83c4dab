using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CityPulse.Tests.Api.Auth;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Audit;

public sealed class AuditTests(AuthFixture auth) : IClassFixture<AuthFixture>
{
    private const string Audit = "/api/v1/audit";
    private const string Buildings = "/api/v1/citypulse/buildings";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_an_admin_did_is_told_with_who_what_where_and_how_it_went()
    {
        var ada = await AdminAsync();
        using var made = await ada.PostAsync(Buildings, Valid.Building(), ("X-Request-Id", "request-7"), ("X-Frontend-Source", "citypulse"));
        var id = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        var entry = (await ada.ReadAllAsync($"{Audit}?action=buildings.create")).ShouldHaveSingleItem();
        entry.GetProperty("userId").GetGuid().ShouldBe(ada.UserId);
        entry.GetProperty("email").GetString().ShouldBe(ada.Email);
        entry.GetProperty("resource").GetString().ShouldBe($"{Buildings}/{id}");
        entry.GetProperty("outcome").GetString().ShouldBe("succeeded");
        entry.GetProperty("status").GetInt32().ShouldBe(201);
        entry.GetProperty("clientIp").GetString().ShouldBe("127.0.0.1");
        entry.GetProperty("requestId").GetString().ShouldBe("request-7");
        entry.GetProperty("frontend").GetString().ShouldBe("citypulse");
        entry.GetProperty("at").GetString().ShouldEndWith("Z");
        entry.GetProperty("deviceKeyId").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task Every_kind_of_change_is_written_and_no_read()
    {
        var ada = await AdminAsync();
        var building = await ada.AddBuildingAsync();
        using (var put = await ada.PutAsync($"{Buildings}/{building}", Valid.Building("Library")))
        {
            await put.ReadAsync(HttpStatusCode.OK);
        }

        using (var patch = await ada.PatchAsync($"{Buildings}/{building}", new { name = "Archive" }))
        {
            await patch.ReadAsync(HttpStatusCode.OK);
        }

        await ada.ReadAsync($"{Buildings}/{building}");
        using (var failed = await ada.PatchAsync($"{Buildings}/{building}", new { name = "" }))
        {
            await failed.ReadProblemAsync(HttpStatusCode.BadRequest);
        }

        using (var deleted = await ada.DeleteAsync($"{Buildings}/{building}"))
        {
            deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        (await ActionsAsync(ada)).ShouldBe(["buildings.delete", "buildings.update", "buildings.update", "buildings.create", "auth.register"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_call_that_is_answered_again_was_done_once()
    {
        var ada = await AdminAsync();
        for (var i = 0; i < 2; i++)
        {
            using var answer = await ada.PostAsync(Buildings, Valid.Building(), ("Idempotency-Key", "once"));
            await answer.ReadAsync(HttpStatusCode.Created);
        }

        (await ActionsAsync(ada)).Count(action => action == "buildings.create").ShouldBe(1);
    }

    [Fact]
    public async Task Sign_ins_are_written_good_or_bad_but_not_of_strangers()
    {
        var ada = await AdminAsync();
        using (var good = await auth.LoginAsync(ada.Email))
        {
            await good.ReadAsync(HttpStatusCode.OK);
        }

        using (var bad = await auth.LoginAsync(ada.Email, "not my password"))
        {
            await bad.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        using (var stranger = await auth.LoginAsync("nobody@example.org"))
        {
            await stranger.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        var entries = await EventuallyAsync(ada, "auth.login", 2);
        entries.Select(e => (e.GetProperty("outcome").GetString(), e.GetProperty("status").GetInt32(), e.GetProperty("userId").GetGuid()))
            .ShouldBe([("refused", 401, ada.UserId), ("succeeded", 200, ada.UserId)], ignoreOrder: true, "on a clock that stands still they have one time");
    }

    [Fact]
    public async Task A_stolen_token_that_comes_back_and_signing_out_are_written_and_silent_renewals_are_not()
    {
        var ada = await AdminAsync();
        using var login = await auth.LoginAsync(ada.Email);
        var session = Session.Of(await login.ReadAsync(HttpStatusCode.OK));
        using (var refresh = await auth.RefreshAsync(session.RefreshToken))
        {
            await refresh.ReadAsync(HttpStatusCode.OK);
        }

        auth.Time.Advance(TimeSpan.FromSeconds(6));
        using (var reuse = await auth.RefreshAsync(session.RefreshToken))
        {
            await reuse.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        var entry = (await EventuallyAsync(ada, "auth.refresh", 1)).Single();
        entry.GetProperty("outcome").GetString().ShouldBe("refused");
        entry.GetProperty("detail").GetString()!.ShouldContain("spent");

        using var again = await auth.LoginAsync(ada.Email);
        using var logout = await auth.SendAsync(HttpMethod.Post, "logout", null, Session.Of(await again.ReadAsync(HttpStatusCode.OK)).AccessToken);
        logout.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await EventuallyAsync(ada, "auth.logout", 1)).Single().GetProperty("outcome").GetString().ShouldBe("succeeded");
    }

    [Fact]
    public async Task Refusals_of_people_and_devices_are_written_and_bounded()
    {
        var ada = await AdminAsync();
        var email = $"{Guid.NewGuid():N}@example.org";
        using (var invited = await ada.PostAsync("/api/v1/users", new { email, displayName = "Bob", role = "User", password = AuthFixture.Password }))
        {
            await invited.ReadAsync(HttpStatusCode.Created);
        }

        using var login = await auth.LoginAsync(email);
        var bob = As(Session.Of(await login.ReadAsync(HttpStatusCode.OK)));
        for (var i = 0; i < 30; i++)
        {
            using var refused = await bob.GetAsync("/api/v1/users");
            await refused.ReadProblemAsync(HttpStatusCode.Forbidden);
        }

        using var made = await ada.PostAsync("/api/v1/citypulse/device-keys", new { name = "Device" });
        var device = await made.ReadAsync(HttpStatusCode.Created);
        using (var stranger = auth.Host.CreateClient())
        {
            stranger.DefaultRequestHeaders.Add("X-Api-Key", device.GetProperty("key").GetString());
            using var refused = await stranger.GetAsync(new Uri(Buildings, UriKind.Relative), Cancel);
            await refused.ReadProblemAsync(HttpStatusCode.Forbidden);
        }

        var byDevice = (await EventuallyAsync(ada, "buildings.read", 1)).Single();
        byDevice.GetProperty("deviceKeyId").GetGuid().ShouldBe(device.GetProperty("id").GetGuid());
        byDevice.GetProperty("userId").ValueKind.ShouldBe(JsonValueKind.Null);
        // The device's refusal came last and is there, so all of Bob's that were to be written are.
        var byBob = await ada.ReadAllAsync($"{Audit}?userId={bob.UserId}&action=users.read");
        byBob.Count.ShouldBe(20);
        byBob.ShouldAllBe(e => e.GetProperty("outcome").GetString() == "refused" && e.GetProperty("status").GetInt32() == 403);
    }

    [Fact]
    public async Task A_token_of_an_ended_session_that_is_used_is_written()
    {
        var ada = await AdminAsync();
        using var login = await auth.LoginAsync(ada.Email);
        var session = Session.Of(await login.ReadAsync(HttpStatusCode.OK));
        using (var logout = await auth.SendAsync(HttpMethod.Post, "logout", null, session.AccessToken))
        {
            logout.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        using (var refused = await As(session).GetAsync("/api/v1/citypulse/sensors"))
        {
            await refused.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        (await EventuallyAsync(ada, "sensors.read", 1)).Single().GetProperty("detail").GetString()!.ShouldContain("ended");
    }

    [Fact]
    public async Task Ingest_and_questions_are_not_written()
    {
        var ada = await AdminAsync();
        await ada.AddSensorAsync(await ada.AddBuildingAsync(), new { externalId = "meter" });
        using var answer = await ada.PostAsync(
            "/api/v1/citypulse/sensors/readings", new { readings = new[] { new { sensor = "meter", at = "2026-11-20T10:00:00Z", value = 1 } } });
        await answer.ReadAsync(HttpStatusCode.OK);
        (await ActionsAsync(ada)).ShouldBe(["sensors.create", "buildings.create", "auth.register"], ignoreOrder: true);
    }

    [Fact]
    public async Task Nothing_that_is_secret_is_in_the_log()
    {
        var ada = await AdminAsync();
        using var made = await ada.PostAsync("/api/v1/citypulse/device-keys", new { name = "Device" });
        var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString()!;
        using var login = await auth.LoginAsync(ada.Email, "a wrong password, but telling");
        await EventuallyAsync(ada, "auth.login", 1);
        await using var source = NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using var dump = source.CreateCommand("select string_agg(a::text, ' ') from audit_log a");
        var all = (string)(await dump.ExecuteScalarAsync(Cancel))!;
        foreach (var secret in new[] { key, "telling", AuthFixture.Password, ada.Session.AccessToken, ada.Session.RefreshToken! })
        {
            all.ShouldNotContain(secret);
        }
    }

    [Theory]
    [InlineData("update audit_log set action = 'nothing'")]
    [InlineData("delete from audit_log")]
    [InlineData("truncate audit_log")]
    public async Task The_log_cannot_be_changed_not_even_by_the_owner_of_the_database(string sql)
    {
        var ada = await AdminAsync();
        (await ActionsAsync(ada)).ShouldBe(["auth.register"]);
        await using var source = NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using var change = source.CreateCommand(sql);
        (await Should.ThrowAsync<PostgresException>(() => change.ExecuteNonQueryAsync(Cancel))).MessageText.ShouldContain("append-only");
    }

    [Fact]
    public async Task What_is_older_than_ninety_days_may_go()
    {
        await using var source = NpgsqlDataSource.Create(auth.Host.ConnectionString);
        foreach (var (days, gone) in new[] { (89, 0), (91, 1) })
        {
            var id = Guid.CreateVersion7();
            await using var insert = source.CreateCommand(
                $"insert into audit_log (id, organization_id, at, action, resource, outcome, status) values ('{id}', '{id}', now() - interval '{days} days', 'a', '/', 'succeeded', 200)");
            await insert.ExecuteNonQueryAsync(Cancel);
            await using var delete = source.CreateCommand($"delete from audit_log where id = '{id}'");
            if (gone == 0)
            {
                await Should.ThrowAsync<PostgresException>(() => delete.ExecuteNonQueryAsync(Cancel));
            }
            else
            {
                (await delete.ExecuteNonQueryAsync(Cancel)).ShouldBe(1);
            }
        }
    }

    [Fact]
    public async Task The_list_goes_newest_first_page_by_page_and_by_its_filters()
    {
        var ada = await AdminAsync();
        for (var i = 0; i < 4; i++)
        {
            await ada.AddBuildingAsync();
            auth.Time.Advance(TimeSpan.FromSeconds(1));
        }

        var all = await ada.ReadAllAsync(Audit);
        all.Count.ShouldBe(5);
        all.Select(e => e.GetProperty("at").GetString()).ShouldBe(all.Select(e => e.GetProperty("at").GetString()).OrderDescending());
        (await ada.ReadAllAsync(Audit, limit: 2)).Select(Id).ShouldBe(all.Select(Id));
        var cut = all[2].GetProperty("at").GetString()!;
        (await ada.ReadAllAsync($"{Audit}?from={cut}")).Select(Id).ShouldBe(all.Take(3).Select(Id));
        (await ada.ReadAllAsync($"{Audit}?to={cut}&from=2026-01-01T00:00:00Z")).Select(Id).ShouldBe(all.Skip(3).Select(Id));
        (await ada.ReadAllAsync($"{Audit}?userId={Guid.CreateVersion7()}")).ShouldBeEmpty();
        (await ada.ReadAllAsync($"{Audit}?action=auth.register")).Count.ShouldBe(1);
        foreach (var bad in new[] { "from=yesterday", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "limit=0", "cursor=x", "userId=x", "action=" })
        {
            using var refused = await ada.GetAsync($"{Audit}?{bad}");
            await refused.ReadProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Fact]
    public async Task Another_organisations_entries_are_never_told()
    {
        var (ada, eve) = (await AdminAsync(), await AdminAsync());
        await ada.AddBuildingAsync();
        (await ActionsAsync(eve)).ShouldBe(["auth.register"]);
        (await eve.ReadAllAsync($"{Audit}?userId={ada.UserId}")).ShouldBeEmpty();
    }

    private sealed record Admin(Member Member, Session Session)
    {
        public Guid UserId => Session.UserId;
        public string Email => Session.Email;
        public Task<HttpResponseMessage> GetAsync(string path) => Member.GetAsync(path);
        public Task<HttpResponseMessage> PostAsync(string path, object body, params (string, string)[] headers) => Member.PostAsync(path, body, headers);
        public Task<HttpResponseMessage> PutAsync(string path, object body) => Member.PutAsync(path, body);
        public Task<HttpResponseMessage> PatchAsync(string path, object body) => Member.PatchAsync(path, body);
        public Task<HttpResponseMessage> DeleteAsync(string path) => Member.DeleteAsync(path);
        public Task<Guid> AddBuildingAsync() => Member.AddBuildingAsync();
        public Task<Guid> AddSensorAsync(Guid building, object more) => Member.AddSensorAsync(building, more);
        public Task<JsonElement> ReadAsync(string path) => Member.ReadAsync(path);
        public Task<List<JsonElement>> ReadAllAsync(string path, int limit = 500) => Member.ReadAllAsync(path, limit);
    }

    private async Task<Admin> AdminAsync() => As(await auth.RegisterAsync());

    private Admin As(Session session)
    {
        var client = auth.Host.CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", session.AccessToken);
        return new Admin(new Member(client, session.OrganizationId), session);
    }

    private static async Task<List<string>> ActionsAsync(Admin admin) =>
        [.. (await admin.ReadAllAsync(Audit)).Select(e => e.GetProperty("action").GetString()!)];

    /// <summary>Refusals are written soon, not at once.</summary>
    private static async Task<List<JsonElement>> EventuallyAsync(Admin admin, string action, int count)
    {
        List<JsonElement> found = [];
        await Eventually.TrueAsync(
            async () => (found = await admin.ReadAllAsync($"{Audit}?action={action}")).Count >= count, $"{count} entries of {action} are written");
        found.Count.ShouldBe(count);
        return found;
    }

    private static Guid Id(JsonElement entry) => entry.GetProperty("id").GetGuid();
}
