using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CityPulse.Tests.Api.Auth;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Users;

public sealed class UserTests(AuthFixture auth) : IClassFixture<AuthFixture>
{
    private const string Users = "/api/v1/users";

    [Fact]
    public async Task An_invited_person_signs_in_with_the_role_that_was_given()
    {
        var ada = await AdminAsync();
        var email = NewEmail();
        using var answer = await ada.PostAsync(Users, new { email, displayName = "Bob", role = "Manager", password = "an honest password" });
        var user = await answer.ReadAsync(HttpStatusCode.Created);
        answer.Headers.Location!.ToString().ShouldBe($"{Users}/{Id(user)}");
        answer.Headers.ETag.ShouldNotBeNull();
        user.EnumerateObject().Select(m => m.Name).ShouldBe(["id", "email", "displayName", "role", "disabled", "createdAt", "updatedAt", "version"]);

        using var login = await auth.LoginAsync(email, "an honest password");
        var session = await login.ReadAsync(HttpStatusCode.OK);
        session.GetProperty("user").GetProperty("role").GetString().ShouldBe("Manager");
        session.GetProperty("user").GetProperty("organizationId").GetGuid().ShouldBe(ada.OrganizationId);
        session.GetProperty("user").GetProperty("displayName").GetString().ShouldBe("Bob");
        session.GetProperty("user").GetProperty("id").GetGuid().ShouldBe(Id(user));
    }

    [Fact]
    public async Task Inviting_an_address_with_an_account_adds_a_membership_and_leaves_password_and_name_alone()
    {
        var ada = await AdminAsync();
        var bob = await auth.RegisterAsync();
        using (var answer = await ada.PostAsync(Users, new { email = bob.Email.ToUpperInvariant(), displayName = "Robert", role = "User", password = "another honest password" }))
        {
            var user = await answer.ReadAsync(HttpStatusCode.Created);
            Id(user).ShouldBe(bob.UserId);
            user.GetProperty("displayName").GetString().ShouldBe("Robert");
        }

        using (var wrong = await auth.LoginAsync(bob.Email, "another honest password"))
        {
            await wrong.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        using (var me = await auth.GetMeAsync(bob.AccessToken))
        {
            (await me.ReadAsync(HttpStatusCode.OK)).GetProperty("user").GetProperty("displayName").GetString().ShouldBe("Ada Admin");
        }

        using var switched = await auth.SendAsync(HttpMethod.Post, "switch", new { organizationId = ada.OrganizationId }, bob.AccessToken);
        var there = (await switched.ReadAsync(HttpStatusCode.OK)).GetProperty("user");
        there.GetProperty("role").GetString().ShouldBe("User");
        there.GetProperty("displayName").GetString().ShouldBe("Robert");
    }

    [Fact]
    public async Task Inviting_a_member_again_is_a_conflict()
    {
        var ada = await AdminAsync();
        using var answer = await ada.PostAsync(Users, Invitation(ada.Email));
        await answer.ReadProblemAsync(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Two_organisations_that_invite_a_new_address_at_once_get_one_account()
    {
        var admins = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => AdminAsync()));
        var email = NewEmail();
        var answers = await Task.WhenAll(admins.Select(a => a.PostAsync(Users, Invitation(email))));
        var ids = new HashSet<Guid>();
        foreach (var answer in answers)
        {
            ids.Add(Id(await answer.ReadAsync(HttpStatusCode.Created)));
        }

        ids.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_invitation_sent_twice_with_one_key_invites_once_and_stores_no_password_that_could_be_guessed()
    {
        var ada = await AdminAsync();
        var body = Invitation(NewEmail());
        using var first = await ada.PostAsync(Users, body, ("Idempotency-Key", "invite-1"));
        using var second = await ada.PostAsync(Users, body, ("Idempotency-Key", "invite-1"));
        (await first.ReadAsync(HttpStatusCode.Created)).ToString().ShouldBe((await second.ReadAsync(HttpStatusCode.Created)).ToString());
        second.Headers.GetValues("Idempotency-Replayed").ShouldHaveSingleItem().ShouldBe("true");

        // A plain hash of the request would let a reader of the database try passwords at full speed.
        await using var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using var read = source.CreateCommand($"select request_hash from idempotent_answers where organization_id = '{ada.OrganizationId}'");
        var stored = (byte[])(await read.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        var request = System.Text.Encoding.UTF8.GetBytes($"{Users}/\n{JsonSerializer.Serialize(body)}");
        stored.ShouldNotBe(System.Security.Cryptography.SHA256.HashData(request));
        var trimmed = System.Text.Encoding.UTF8.GetBytes($"{Users}\n{JsonSerializer.Serialize(body)}");
        stored.ShouldNotBe(System.Security.Cryptography.SHA256.HashData(trimmed));
    }

    [Theory]
    [InlineData("email", null)]
    [InlineData("email", "no address")]
    [InlineData("displayName", " ")]
    [InlineData("role", null)]
    [InlineData("role", "Owner")]
    [InlineData("password", "short")]
    [InlineData("password", "password1234")]
    [InlineData("admin", "true")]
    public async Task A_bad_invitation_names_the_member_that_is_wrong(string member, string? value)
    {
        var ada = await AdminAsync();
        var body = new Dictionary<string, string> { ["email"] = NewEmail(), ["displayName"] = "Bob", ["role"] = "User", ["password"] = AuthFixture.Password };
        body.Remove(member);
        if (value is not null)
        {
            body[member] = value;
        }

        using var answer = await ada.PostAsync(Users, body);
        (await answer.ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty(member, out _).ShouldBeTrue();
    }

    [Fact]
    public async Task The_list_is_stable_page_by_page_and_answers_304()
    {
        var ada = await AdminAsync();
        var invited = new List<Guid>();
        for (var i = 0; i < 4; i++)
        {
            auth.Time.Advance(TimeSpan.FromMilliseconds(1));
            invited.Add(await InviteAsync(ada));
        }

        (await ada.ReadAllAsync(Users, limit: 2)).Select(Id).ShouldBe([ada.UserId, .. invited]);
        using var first = await ada.GetAsync(Users);
        using var again = await ada.GetAsync(Users, ("If-None-Match", first.Headers.ETag!.ToString()));
        again.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task A_change_wants_the_version_and_counts_it()
    {
        var ada = await AdminAsync();
        var bob = await InviteAsync(ada);
        var path = $"{Users}/{bob}";
        using var read = await ada.GetAsync(path);
        var tag = read.Headers.ETag!.ToString();
        using (var without = await ada.PatchAsync(path, new { role = "Manager" }, ifMatch: null))
        {
            await without.ReadProblemAsync(HttpStatusCode.PreconditionRequired);
        }

        using (var changed = await ada.PatchAsync(path, new { role = "Manager", displayName = "Bobby" }, tag))
        {
            var user = await changed.ReadAsync(HttpStatusCode.OK);
            user.GetProperty("role").GetString().ShouldBe("Manager");
            user.GetProperty("displayName").GetString().ShouldBe("Bobby");
            user.GetProperty("version").GetInt32().ShouldBe(2);
            changed.Headers.ETag!.ToString().ShouldNotBe(tag);
        }

        using (var stale = await ada.PatchAsync(path, new { role = "User" }, tag))
        {
            await stale.ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        }

        using var staleDelete = await ada.DeleteAsync(path, tag);
        await staleDelete.ReadProblemAsync(HttpStatusCode.PreconditionFailed);
    }

    [Theory]
    [InlineData("""{"role":null}""")]
    [InlineData("""{"role":"Owner"}""")]
    [InlineData("""{"role":2}""")]
    [InlineData("""{"disabled":null}""")]
    [InlineData("""{"disabled":"yes"}""")]
    [InlineData("""{"displayName":""}""")]
    [InlineData("""{"email":"other@example.org"}""")]
    [InlineData("""{"password":"a brand new password"}""")]
    public async Task A_change_to_what_cannot_be_is_refused(string patch)
    {
        var ada = await AdminAsync();
        var bob = await InviteAsync(ada);
        using var answer = await ada.PatchAsync($"{Users}/{bob}", patch);
        await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
        (await ada.ReadAsync($"{Users}/{bob}")).GetProperty("version").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task A_disabled_user_loses_every_session_at_once_and_gets_in_again_when_enabled()
    {
        var ada = await AdminAsync();
        var email = NewEmail();
        var bob = await InviteAsync(ada, email);
        using var login = await auth.LoginAsync(email);
        var session = Session.Of(await login.ReadAsync(HttpStatusCode.OK));
        using (var disabled = await ada.PatchAsync($"{Users}/{bob}", new { disabled = true }))
        {
            (await disabled.ReadAsync(HttpStatusCode.OK)).GetProperty("disabled").GetBoolean().ShouldBeTrue();
        }

        (await BuildingsAsync(session.AccessToken)).ShouldBe(HttpStatusCode.Unauthorized);
        using (var refresh = await auth.RefreshAsync(session.RefreshToken))
        {
            await refresh.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        using (var refused = await auth.LoginAsync(email))
        {
            await refused.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        using (var enabled = await ada.PatchAsync($"{Users}/{bob}", new { disabled = false }))
        {
            await enabled.ReadAsync(HttpStatusCode.OK);
        }

        (await BuildingsAsync(session.AccessToken)).ShouldBe(HttpStatusCode.Unauthorized, "what was ended stays ended");
        using var back = await auth.LoginAsync(email);
        (await BuildingsAsync(Session.Of(await back.ReadAsync(HttpStatusCode.OK)).AccessToken)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Disabling_in_one_organisation_leaves_the_persons_sessions_in_another_alone()
    {
        var ada = await AdminAsync();
        var bob = await auth.RegisterAsync();
        await InviteAsync(ada, bob.Email);
        using var switched = await auth.SendAsync(HttpMethod.Post, "switch", new { organizationId = ada.OrganizationId }, bob.AccessToken);
        var there = Session.Of(await switched.ReadAsync(HttpStatusCode.OK));
        using var disabled = await ada.PatchAsync($"{Users}/{bob.UserId}", new { disabled = true });
        await disabled.ReadAsync(HttpStatusCode.OK);
        (await BuildingsAsync(there.AccessToken)).ShouldBe(HttpStatusCode.Unauthorized);
        (await BuildingsAsync(bob.AccessToken)).ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_removed_member_is_gone_and_locked_out_and_may_be_invited_again()
    {
        var ada = await AdminAsync();
        var email = NewEmail();
        var bob = await InviteAsync(ada, email);
        using var login = await auth.LoginAsync(email);
        var session = Session.Of(await login.ReadAsync(HttpStatusCode.OK));
        string staleTag;
        using (var read = await ada.GetAsync($"{Users}/{bob}"))
        {
            staleTag = read.Headers.ETag!.ToString();
        }

        using (var removed = await ada.DeleteAsync($"{Users}/{bob}"))
        {
            removed.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        (await BuildingsAsync(session.AccessToken)).ShouldBe(HttpStatusCode.Unauthorized);
        foreach (var refused in new[] { await ada.GetAsync($"{Users}/{bob}"), await ada.DeleteAsync($"{Users}/{bob}") })
        {
            await refused.ReadProblemAsync(HttpStatusCode.NotFound);
        }

        using (var refused = await auth.LoginAsync(email))
        {
            await refused.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        (await InviteAsync(ada, email)).ShouldBe(bob);
        using (var stale = await ada.PatchAsync($"{Users}/{bob}", new { role = "Admin" }, staleTag))
        {
            await stale.ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        }

        using var back = await auth.LoginAsync(email);
        await back.ReadAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Who_is_a_member_nowhere_any_more_begins_anew_with_the_password_of_the_invitation()
    {
        // Or the administrator of the first organisation would know the password in the second one.
        var (ada, eve) = (await AdminAsync(), await AdminAsync());
        var email = NewEmail();
        var bob = await InviteAsync(eve, email);
        using (var removed = await eve.DeleteAsync($"{Users}/{bob}"))
        {
            removed.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        using (var invited = await ada.PostAsync(Users, new { email, displayName = "Bob", role = "User", password = "a password of his own" }))
        {
            Id(await invited.ReadAsync(HttpStatusCode.Created)).ShouldBe(bob);
        }

        using (var old = await auth.LoginAsync(email))
        {
            await old.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        using var login = await auth.LoginAsync(email, "a password of his own");
        Session.Of(await login.ReadAsync(HttpStatusCode.OK)).OrganizationId.ShouldBe(ada.OrganizationId);
    }

    [Fact]
    public async Task A_changed_role_counts_from_the_next_refresh_on()
    {
        var ada = await AdminAsync();
        var email = NewEmail();
        var bob = await InviteAsync(ada, email);
        using var login = await auth.LoginAsync(email);
        var session = Session.Of(await login.ReadAsync(HttpStatusCode.OK));
        using var changed = await ada.PatchAsync($"{Users}/{bob}", new { role = "Admin" });
        await changed.ReadAsync(HttpStatusCode.OK);
        using var refresh = await auth.RefreshAsync(session.RefreshToken);
        (await refresh.ReadAsync(HttpStatusCode.OK)).GetProperty("user").GetProperty("role").GetString().ShouldBe("Admin");
    }

    [Fact]
    public async Task The_last_admin_can_be_neither_demoted_nor_disabled_nor_removed()
    {
        var ada = await AdminAsync();
        await InviteAsync(ada, role: "Manager");
        var disabledAdmin = await InviteAsync(ada, role: "Admin");
        using (var disabled = await ada.PatchAsync($"{Users}/{disabledAdmin}", new { disabled = true }))
        {
            await disabled.ReadAsync(HttpStatusCode.OK);
        }

        var self = $"{Users}/{ada.UserId}";
        foreach (var refused in new[]
        {
            await ada.PatchAsync(self, new { role = "Manager" }), await ada.PatchAsync(self, new { disabled = true }), await ada.DeleteAsync(self),
        })
        {
            await refused.ReadProblemAsync(HttpStatusCode.Conflict);
        }

        using (var renamed = await ada.PatchAsync(self, new { displayName = "Ada Still" }))
        {
            await renamed.ReadAsync(HttpStatusCode.OK);
        }

        await InviteAsync(ada, role: "Admin");
        using var now = await ada.PatchAsync(self, new { role = "User" });
        await now.ReadAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Admins_who_demote_each_other_at_once_leave_one()
    {
        for (var round = 0; round < 5; round++)
        {
            var ada = await AdminAsync();
            var admins = new List<Guid> { ada.UserId };
            for (var i = 0; i < 3; i++)
            {
                admins.Add(await InviteAsync(ada, role: "Admin"));
            }

            var answers = await Task.WhenAll(admins.Select((admin, i) => i % 2 == 0
                ? ada.PatchAsync($"{Users}/{admin}", new { role = "User" })
                : ada.DeleteAsync($"{Users}/{admin}")));
            answers.Count(a => a.IsSuccessStatusCode).ShouldBe(3);
            answers.Count(a => a.StatusCode == HttpStatusCode.Conflict).ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_foreign_user_answers_like_a_missing_one_and_stays_as_they_were()
    {
        var (ada, eve) = (await AdminAsync(), await AdminAsync());
        var bob = await InviteAsync(ada);
        var details = new HashSet<string>();
        foreach (var id in new[] { bob, ada.UserId, Guid.CreateVersion7() })
        {
            foreach (var refused in new[]
            {
                await eve.GetAsync($"{Users}/{id}"), await eve.PatchAsync($"{Users}/{id}", new { disabled = true }), await eve.DeleteAsync($"{Users}/{id}"),
            })
            {
                details.Add((await refused.ReadProblemAsync(HttpStatusCode.NotFound)).GetProperty("detail").GetString()!);
            }
        }

        details.ShouldHaveSingleItem();
        (await eve.ReadAllAsync(Users)).Select(Id).ShouldBe([eve.UserId]);
        (await ada.ReadAsync($"{Users}/{bob}")).GetProperty("version").GetInt32().ShouldBe(1);
    }

    private sealed record Admin(HttpClient Client, Session Session)
    {
        public Guid OrganizationId => Session.OrganizationId;
        public Guid UserId => Session.UserId;
        public string Email => Session.Email;
        private Member Member => new(Client, OrganizationId);

        public Task<HttpResponseMessage> GetAsync(string path, params (string, string)[] headers) => Member.GetAsync(path, headers);
        public Task<HttpResponseMessage> PostAsync(string path, object body, params (string, string)[] headers) => Member.PostAsync(path, body, headers);
        public Task<HttpResponseMessage> PatchAsync(string path, object body, string? ifMatch = "*") => Member.PatchAsync(path, body, ifMatch);
        public Task<HttpResponseMessage> DeleteAsync(string path, string? ifMatch = null) => Member.DeleteAsync(path, ifMatch);
        public Task<JsonElement> ReadAsync(string path) => Member.ReadAsync(path);
        public Task<List<JsonElement>> ReadAllAsync(string path, int limit = 500) => Member.ReadAllAsync(path, limit);
    }

    private async Task<Admin> AdminAsync()
    {
        var session = await auth.RegisterAsync();
        var client = auth.Host.CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", session.AccessToken);
        return new Admin(client, session);
    }

    private static async Task<Guid> InviteAsync(Admin admin, string? email = null, string role = "User")
    {
        using var answer = await admin.PostAsync(Users, Invitation(email ?? NewEmail(), role));
        return Id(await answer.ReadAsync(HttpStatusCode.Created));
    }

    private async Task<HttpStatusCode> BuildingsAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/citypulse/buildings");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await auth.Client.SendAsync(request);
        return answer.StatusCode;
    }

    private static object Invitation(string email, string role = "User") => new { email, displayName = "Bob Builder", role, password = AuthFixture.Password };

    private static string NewEmail() => $"{Guid.NewGuid():N}@example.org";

    private static Guid Id(JsonElement user) => user.GetProperty("id").GetGuid();
}
