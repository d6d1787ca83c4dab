using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

public sealed class MeTests(AuthFixture auth) : IClassFixture<AuthFixture>
{
    [Fact]
    public async Task Me_tells_user_organisation_role_and_permissions()
    {
        var ada = await auth.RegisterAsync();
        using var answer = await auth.GetMeAsync(ada.AccessToken);
        var me = await answer.ReadAsync(HttpStatusCode.OK);
        me.EnumerateObject().Select(m => m.Name).ShouldBe(["user", "organization", "role", "frontend", "permissions"]);
        me.GetProperty("user").GetProperty("email").GetString().ShouldBe(ada.Email);
        me.GetProperty("organization").GetProperty("id").GetGuid().ShouldBe(ada.OrganizationId);
        me.GetProperty("role").GetString().ShouldBe("Admin");
        me.GetProperty("frontend").ValueKind.ShouldBe(JsonValueKind.Null);
        Permissions(me).ShouldContain("administer");
    }

    [Fact]
    public async Task A_token_issued_to_a_frontend_stays_narrowed_to_it()
    {
        var ada = await auth.RegisterAsync();
        using var login = await auth.SendAsync(
            HttpMethod.Post, "login", new { email = ada.Email, password = AuthFixture.Password }, null, ("X-Frontend-Source", "FlowMind"));
        var session = Session.Of(await login.ReadAsync(HttpStatusCode.OK));

        using (var answer = await auth.GetMeAsync(session.AccessToken))
        {
            var me = await answer.ReadAsync(HttpStatusCode.OK);
            me.GetProperty("frontend").GetString().ShouldBe("flowmind");
            Permissions(me).ShouldContain("run_swarm");
            Permissions(me).ShouldNotContain("write_city");
        }

        using (var other = await auth.SendAsync(HttpMethod.Get, "me", null, session.AccessToken, ("X-Frontend-Source", "quantum")))
        {
            await other.ReadProblemAsync(HttpStatusCode.Forbidden);
        }

        using (var other = await auth.SendAsync(
            HttpMethod.Post, "refresh", new { refreshToken = session.RefreshToken }, null, ("X-Frontend-Source", "quantum")))
        {
            await other.ReadProblemAsync(HttpStatusCode.Forbidden);
        }

        using var refresh = await auth.RefreshAsync(session.RefreshToken);
        var refreshed = Session.Of(await refresh.ReadAsync(HttpStatusCode.OK));
        using var still = await auth.GetMeAsync(refreshed.AccessToken);
        (await still.ReadAsync(HttpStatusCode.OK)).GetProperty("frontend").GetString().ShouldBe("flowmind");
    }

    [Fact]
    public async Task A_token_of_no_frontend_is_narrowed_by_the_header()
    {
        var ada = await auth.RegisterAsync();
        using var answer = await auth.SendAsync(HttpMethod.Get, "me", null, ada.AccessToken, ("X-Frontend-Source", "velocity"));
        var me = await answer.ReadAsync(HttpStatusCode.OK);
        me.GetProperty("frontend").GetString().ShouldBe("velocity");
        Permissions(me).ShouldNotContain("write_city");
    }

    [Fact]
    public async Task An_unknown_frontend_is_refused_at_login()
    {
        using var answer = await auth.SendAsync(
            HttpMethod.Post, "login", new { email = "a@example.org", password = "whatever it is" }, null, ("X-Frontend-Source", "myspace"));
        await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Switching_opens_a_session_in_another_of_ones_organisations()
    {
        var ada = await auth.RegisterAsync();
        var bob = await auth.RegisterAsync();
        await JoinAsync(ada, bob.OrganizationId);

        using (var answer = await auth.SendAsync(HttpMethod.Get, "organizations", null, ada.AccessToken))
        {
            var items = (await answer.ReadAsync(HttpStatusCode.OK)).GetProperty("items").EnumerateArray().ToList();
            items.Select(i => (i.GetProperty("id").GetGuid(), i.GetProperty("role").GetString(), i.GetProperty("current").GetBoolean()))
                .ShouldBe([(ada.OrganizationId, "Admin", true), (bob.OrganizationId, "User", false)], ignoreOrder: true);
        }

        using var switched = await auth.SendAsync(HttpMethod.Post, "switch", new { organizationId = bob.OrganizationId }, ada.AccessToken);
        var body = await switched.ReadAsync(HttpStatusCode.OK);
        body.GetProperty("user").GetProperty("role").GetString().ShouldBe("User");
        var there = Session.Of(body);
        there.OrganizationId.ShouldBe(bob.OrganizationId);
        using var me = await auth.GetMeAsync(there.AccessToken);
        (await me.ReadAsync(HttpStatusCode.OK)).GetProperty("organization").GetProperty("id").GetGuid().ShouldBe(bob.OrganizationId);

        using var login = await auth.PostAsync("login", new { email = ada.Email, password = AuthFixture.Password, organizationId = bob.OrganizationId });
        Session.Of(await login.ReadAsync(HttpStatusCode.OK)).OrganizationId.ShouldBe(bob.OrganizationId);
    }

    [Fact]
    public async Task A_foreign_organisation_answers_like_one_that_does_not_exist()
    {
        var ada = await auth.RegisterAsync();
        var bob = await auth.RegisterAsync();
        using var foreign = await auth.SendAsync(HttpMethod.Post, "switch", new { organizationId = bob.OrganizationId }, ada.AccessToken);
        using var missing = await auth.SendAsync(HttpMethod.Post, "switch", new { organizationId = Guid.NewGuid() }, ada.AccessToken);
        (await foreign.ReadProblemAsync(HttpStatusCode.NotFound)).GetProperty("detail").GetString()
            .ShouldBe((await missing.ReadProblemAsync(HttpStatusCode.NotFound)).GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Switch_wants_an_organisation_and_nothing_else()
    {
        var ada = await auth.RegisterAsync();
        foreach (var body in new object[] { new { }, new { organizationId = "no id" }, new { organizationId = ada.OrganizationId, role = "Admin" } })
        {
            using var answer = await auth.SendAsync(HttpMethod.Post, "switch", body, ada.AccessToken);
            await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Fact]
    public async Task In_cookie_mode_switching_replaces_the_session()
    {
        var ada = await auth.RegisterAsync();
        var bob = await auth.RegisterAsync();
        await JoinAsync(ada, bob.OrganizationId);
        using var login = await auth.PostAsync("login", new { email = ada.Email, password = AuthFixture.Password, useCookies = true });
        var old = Session.Of(await login.ReadAsync(HttpStatusCode.OK));
        var cookie = login.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        using var switched = await auth.SendAsync(
            HttpMethod.Post, "switch", new { organizationId = bob.OrganizationId }, old.AccessToken, ("Cookie", cookie));
        (await switched.ReadAsync(HttpStatusCode.OK)).TryGetProperty("refreshToken", out _).ShouldBeFalse();
        switched.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem().ShouldNotStartWith(cookie);
        using var me = await auth.GetMeAsync(old.AccessToken);
        await me.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("GET", "me")]
    [InlineData("GET", "organizations")]
    [InlineData("POST", "switch")]
    public async Task Without_a_token_nothing_is_told(string method, string call)
    {
        using var answer = await auth.SendAsync(new HttpMethod(method), call, null);
        await answer.ReadProblemAsync(HttpStatusCode.Unauthorized);
        answer.Headers.WwwAuthenticate.ShouldNotBeEmpty();
    }

    private async Task JoinAsync(Session person, Guid organization)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using var join = source.CreateCommand(
            $"""
            insert into memberships (id, organization_id, user_id, role, created_at, updated_at, version)
            values ('{Guid.CreateVersion7()}', '{organization}', '{person.UserId}', 'User', now(), now(), 1)
            """);
        await join.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static List<string> Permissions(JsonElement me) => [.. me.GetProperty("permissions").EnumerateArray().Select(p => p.GetString()!)];
}
