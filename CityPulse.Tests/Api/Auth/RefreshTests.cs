using System.Net;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

public sealed class RefreshTests(AuthFixture auth) : IClassFixture<AuthFixture>
{
    [Fact]
    public async Task A_refresh_token_gives_a_new_session_and_is_spent()
    {
        var ada = await auth.RegisterAsync();
        auth.Time.Jump(TimeSpan.FromMinutes(20));
        using (var expired = await auth.GetMeAsync(ada.AccessToken))
        {
            await expired.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        var second = await GoodRefreshAsync(ada.RefreshToken);
        second.RefreshToken.ShouldNotBe(ada.RefreshToken);
        second.UserId.ShouldBe(ada.UserId);
        using var me = await auth.GetMeAsync(second.AccessToken);
        await me.ReadAsync(HttpStatusCode.OK);
        await GoodRefreshAsync(second.RefreshToken);
    }

    [Fact]
    public async Task Using_a_spent_token_ends_the_whole_family()
    {
        var ada = await auth.RegisterAsync();
        var second = await GoodRefreshAsync(ada.RefreshToken);
        auth.Time.Advance(TimeSpan.FromSeconds(6));
        await BadRefreshAsync(ada.RefreshToken);
        await BadRefreshAsync(second.RefreshToken);
        using (var me = await auth.GetMeAsync(second.AccessToken))
        {
            await me.ReadProblemAsync(HttpStatusCode.Unauthorized);
        }

        using var login = await auth.LoginAsync(ada.Email);
        await login.ReadAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Of_many_refreshes_at_once_one_wins_and_the_family_survives()
    {
        var ada = await auth.RegisterAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => auth.RefreshAsync(ada.RefreshToken)));
        var winner = answers.Where(a => a.StatusCode == HttpStatusCode.OK).ShouldHaveSingleItem();
        answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(7);
        var session = Session.Of(await winner.ReadAsync(HttpStatusCode.OK));
        auth.Time.Advance(TimeSpan.FromSeconds(4));
        (await BadRefreshAsync(ada.RefreshToken)).ShouldContain("just spent");
        await GoodRefreshAsync(session.RefreshToken);
    }

    [Fact]
    public async Task A_session_slides_but_has_an_absolute_end()
    {
        var session = await auth.RegisterAsync();
        for (var day = 0; day < 180; day += 20)
        {
            session = await GoodRefreshAsync(session.RefreshToken);
            auth.Time.Jump(TimeSpan.FromDays(20));
        }

        await BadRefreshAsync(session.RefreshToken);
    }

    [Fact]
    public async Task An_unused_token_ends_after_thirty_days()
    {
        var ada = await auth.RegisterAsync();
        auth.Time.Jump(TimeSpan.FromDays(30));
        await BadRefreshAsync(ada.RefreshToken);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public async Task A_token_that_was_never_issued_is_refused(string token) => await BadRefreshAsync(token);

    [Fact]
    public async Task Without_body_and_cookie_there_is_nothing_to_refresh()
    {
        using var answer = await auth.PostAsync("refresh", null);
        await answer.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task An_unknown_member_is_refused()
    {
        using var answer = await auth.PostAsync("refresh", new { refreshToken = "x", token = "y" });
        await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Logout_by_access_token_ends_the_family()
    {
        var ada = await auth.RegisterAsync();
        using (var logout = await auth.SendAsync(HttpMethod.Post, "logout", null, ada.AccessToken))
        {
            logout.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        }

        await BadRefreshAsync(ada.RefreshToken);
        using var me = await auth.GetMeAsync(ada.AccessToken);
        await me.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Logout_leaves_the_persons_other_sessions_alone()
    {
        var ada = await auth.RegisterAsync();
        using var login = await auth.LoginAsync(ada.Email);
        var other = Session.Of(await login.ReadAsync(HttpStatusCode.OK));
        using var logout = await auth.SendAsync(HttpMethod.Post, "logout", null, ada.AccessToken);
        await GoodRefreshAsync(other.RefreshToken);
    }

    [Fact]
    public async Task Logout_without_a_session_is_401()
    {
        using var logout = await auth.PostAsync("logout", null);
        await logout.ReadProblemAsync(HttpStatusCode.Unauthorized);
        logout.Headers.WwwAuthenticate.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Neither_passwords_nor_tokens_are_stored_readably()
    {
        var ada = await auth.RegisterAsync();
        await using var source = Npgsql.NpgsqlDataSource.Create(auth.Host.ConnectionString);
        await using var dump = source.CreateCommand(
            "select string_agg(t::text, ' ') from (select users::text t from users union all select refresh_tokens::text from refresh_tokens union all select token_families::text from token_families) all_rows");
        var rows = (string)(await dump.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        rows.ShouldNotContain(AuthFixture.Password);
        rows.ShouldNotContain(ada.RefreshToken!);
        rows.ShouldNotContain(Convert.ToHexStringLower(System.Buffers.Text.Base64Url.DecodeFromChars(ada.RefreshToken)));
    }

    private async Task<Session> GoodRefreshAsync(string? token)
    {
        using var answer = await auth.RefreshAsync(token);
        return Session.Of(await answer.ReadAsync(HttpStatusCode.OK));
    }

    private async Task<string> BadRefreshAsync(string? token)
    {
        using var answer = await auth.RefreshAsync(token);
        var problem = await answer.ReadProblemAsync(HttpStatusCode.Unauthorized);
        answer.Headers.WwwAuthenticate.ShouldNotBeEmpty();
        return problem.GetProperty("detail").GetString()!;
    }
}
